"""What the apps say, English and German, in one table: texts.json, which translators edit.

What is said of a picture's flags comes from the package (`picture_flags.SENTENCES`), which says the
same: a key is `flag_` and the flag's code.

Each app has its platform's own resource file; its tests compare that with `tests/goldens`.
"""

from __future__ import annotations

import json
from pathlib import Path

from mobileseg.evaluation.picture_flags import LANGUAGES, SENTENCES

__all__ = ["LANGUAGES", "TEXTS"]

TEXTS: dict[str, dict[str, str]] = {
    **json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")),
    **{f"flag_{code.replace('-', '_')}": dict(said) for code, said in SENTENCES.items()},
}
