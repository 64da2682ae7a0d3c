"""What `quantized.json` keeps of a quantisation for people: date, gate, layers, files, lesions."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from converters.bundle.evidence import record
from converters.quantize.search import Outcome, Written
from converters.run_pictures import Pictures
from mobileseg.quantization.gate import Decision, Gate
from mobileseg.quantization.quantized_run import RECORD, save_quantized


def report(outcome: Outcome, gate: Gate) -> dict[str, Any]:
    """What `quantized.json` keeps for people."""
    return {
        "gate": asdict(gate),
        "decision": outcome.chosen.decision.value if outcome.chosen else Decision.BROKEN.value,
        "layers": [
            {
                "layer": cost.layer,
                "macs_share": cost.macs_share,
                "aupr_drop": {d.lesion: d.aupr_drop for d in cost.drops},
                "recall_drop": {d.lesion: d.recall_drop for d in cost.drops},
                "choice": "float" if cost.layer in outcome.quantized.layers_float else "int8",
            }
            for cost in outcome.costs
        ],
        "files": [
            {
                "name": file.name,
                "layers_float": list(file.layers_float),
                "int8_convolutions": file.holds.int8_convolutions,
                "convolutions": file.holds.convolutions,
                "network_bytes": file.holds.weight_bytes,
                "median_ms_ratio_to_fp32": _ratio(outcome, file),
                "spread": outcome.laps[file.path.name].spread,
                "validation": [asdict(a) for a in file.validation],
                "test": [asdict(a) for a in outcome.test.get(file.path.name, [])],
                "chosen": file is outcome.chosen,
            }
            for file in outcome.files
        ],
    }


def _ratio(outcome: Outcome, file: Written) -> float:
    laps = outcome.laps
    return laps[file.path.name].median_ms / laps[outcome.files[0].path.name].median_ms


def finish(outcome: Outcome, pictures: Pictures, gate: Gate, into: Path) -> dict[str, Any]:
    """Keep the report in the record, and drop the candidates' files."""
    run = pictures.run
    measured = {"run": run.path.resolve().name, "data": pictures.data.resolve().name}
    told = {**record(), **measured, **report(outcome, gate)}
    save_quantized(replace(outcome.quantized, report=told), run, into)
    shutil.rmtree(into / "candidates")
    assert (into / RECORD).is_file()
    return told
