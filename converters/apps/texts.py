"""What the apps say, English and German, in one table: texts.json, which translators edit.

Each app has its platform's own resource file; its tests compare that with `tests/goldens`.
"""

from __future__ import annotations

import json
from pathlib import Path

LANGUAGES = ("en", "de")
TEXTS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
