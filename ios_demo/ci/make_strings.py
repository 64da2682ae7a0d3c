"""Write the app's string catalogues from the table that all the demo apps share.

    python ios_demo/ci/make_strings.py

`TextKey.swift` says which texts the app shows; tests/goldens/texts.json says them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

DEMO = Path(__file__).parents[1]
TEXTS = DEMO.parent / "tests" / "goldens" / "texts.json"
KEYS = DEMO / "RetinaDemo" / "App" / "TextKey.swift"
RESOURCES = DEMO / "RetinaDemo" / "Resources"
# What the system shows for the app, and the table's text for it.
INFO = {"CFBundleDisplayName": "app_name", "NSCameraUsageDescription": "camera_use"}
PLACE = re.compile(r"\{(\d)\}")

Table = dict[str, dict[str, str]]


def app_keys() -> list[str]:
    """Keys of the texts that the app shows."""
    return re.findall(r'^ +case \w+ = "(\w+)"$', KEYS.read_text(encoding="utf-8"), re.MULTILINE)


def apples(text: str) -> str:
    """A text with its places in Apple's way. Only where there are some is % a sign of its own."""
    if not PLACE.search(text):
        return text
    return PLACE.sub(lambda place: f"%{int(place[1]) + 1}$@", text.replace("%", "%%"))


def catalogue(texts: Table, names: dict[str, str]) -> str:
    """An .xcstrings file.

    Args:
        names: what the file calls a text -> its key in the table.
    """
    strings = {
        name: {
            "extractionState": "manual",  # else Xcode removes what it finds in no Swift file
            "localizations": {
                language: {"stringUnit": {"state": "translated", "value": apples(text)}}
                for language, text in sorted(texts[key].items())
            },
        }
        for name, key in sorted(names.items())
    }
    whole = {"sourceLanguage": "en", "strings": strings, "version": "1.0"}
    return json.dumps(whole, indent=2, ensure_ascii=False, separators=(",", " : ")) + "\n"


def files() -> dict[Path, str]:
    """What each of the catalogues has to hold."""
    texts: Table = json.loads(TEXTS.read_text(encoding="utf-8"))
    return {
        RESOURCES / "Localizable.xcstrings": catalogue(texts, {key: key for key in app_keys()}),
        RESOURCES / "InfoPlist.xcstrings": catalogue(texts, INFO),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(path)
