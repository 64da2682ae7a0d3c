#!/usr/bin/env python3
"""Write the app's strings.xml files from the table that all apps share.

    python3 ci/strings.py            # in android_demo/, after tests/goldens/texts.json changed

The texts are those that the app's code and layouts name; one that the table lacks ends it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

DEMO = Path(__file__).resolve().parents[1]
SOURCES = DEMO / "app" / "src" / "main"
TABLE = DEMO.parent / "tests" / "goldens" / "texts.json"
LANGUAGES = {"en": "values", "de": "values-de"}  # the first is for every other language too
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!-- Written by ci/strings.py from the table of all apps. -->
<resources>
"""
USE = re.compile(r"(?:R\.string\.|@string/)(\w+)")


def used_keys() -> list[str]:
    """Names of the texts that the app shows, sorted."""
    files = [*SOURCES.rglob("*.kt"), *SOURCES.rglob("*.xml")]
    return sorted({key for file in files for key in USE.findall(file.read_text("utf-8"))})


def android_text(text: str) -> str:
    """A text of the table as Android's resources have it: {0} is %1$s."""
    places = re.search(r"\{\d\}", text)
    marked = text.replace("%", "%%") if places else text
    marked = re.sub(r"\{(\d)\}", lambda m: f"%{int(m[1]) + 1}$s", marked)
    return re.sub(r"(['\"\\]|^[@?])", r"\\\1", escape(marked))


def files() -> dict[Path, str]:
    """What is written, and where."""
    table = json.loads(TABLE.read_text("utf-8"))
    keys = used_keys()
    if missing := [key for key in keys if key not in table]:
        sys.exit(f"{TABLE.name}: found no {', '.join(missing)}; expected every text the app names")
    written = {}
    for language, folder in LANGUAGES.items():
        texts = [(key, android_text(table[key][language])) for key in keys]
        rows = [f'    <string name="{key}">{text}</string>\n' for key, text in texts]
        written[SOURCES / "res" / folder / "strings.xml"] = HEAD + "".join(rows) + "</resources>\n"
    return written


def main() -> None:
    for path, text in files().items():
        path.write_text(text, "utf-8")
        print(f"{path.relative_to(DEMO)}: {text.count('<string ')} texts")


if __name__ == "__main__":
    main()
