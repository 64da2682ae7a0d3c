"""Puts the web demo's page into the wheel, so that an installed `mobileseg serve` has it.

What lies in vendor/ comes from npm and is not in the repository: a wheel that is built before
`npm run vendor` has no runtime in it, and `serve` then says where to get one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# As converters.apps.site gives out; this file cannot import it, for a build has no NumPy.
SHIPPED = ("index.html", "app.css", "sw.js", "manifest.webmanifest", "icons", "src", "vendor")
INTO = "converters/apps/web_demo"


class WebDemo(BuildHookInterface[Any]):
    """Of the wheel alone; an editable install finds the page in the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        page = Path(self.root, "web_demo")
        for name in SHIPPED:
            if (page / name).exists():
                build_data["force_include"][str(page / name)] = f"{INTO}/{name}"
