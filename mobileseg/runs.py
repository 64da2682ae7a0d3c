"""A run folder: one training, and everything needed to use, repeat or continue it.

    config.json        everything that was chosen, mean/SD, thresholds, names of its pictures
    metrics.csv        a row per epoch
    best.safetensors   the weights with the best validation score
    last.pt            what resuming needs; the one commit point (mobileseg.training.checkpoint)
    run.json           versions, machine, time, fingerprint of the data

An ensemble or combination (mobileseg.ensembling.combine) is a run folder too, without metrics
and state: its config.json lists members, and its weights are all of theirs, each tensor under
`members.<place>.`. Whoever takes a run takes it like any other.

Opening one gives its configuration (`mobileseg.run_config`) and its networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from torch import nn

from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256
from mobileseg.files.untrusted import read_json
from mobileseg.lesions import task_lesions
from mobileseg.models.build import build
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.models.weights import load_weights, refuse_pickle, save_weights
from mobileseg.run_config import RunConfig

PRETRAINED = "xs-ex"  # taken where no run is named: U²-Net-XS, hard exudates
WEIGHTS = "best.safetensors"


@dataclass(frozen=True)
class Run:
    """An opened run."""

    path: Path
    config: RunConfig

    @cached_property
    def networks(self) -> tuple[nn.Module, ...]:
        """Every member's best weights, in evaluation mode, float32; in the order of the members.

        Raises:
            BadInput: no weights yet, other shapes, or NaN among them.
        """
        networks = tuple(build(m.variant, len(task_lesions(m.task))) for m in self.config.members)
        named = _side_by_side(networks) if self.config.ensemble else networks[0]
        load_weights(named, self.path / WEIGHTS)
        return tuple(network.eval() for network in networks)

    def uncalibrated(self) -> Run:
        """The same networks, as they answered before they were calibrated."""
        return Run(self.path, self.config.uncalibrated()) if self.config.calibration else self

    @property
    def network(self) -> nn.Module:
        """A plain run's one network.

        Raises:
            BadInput: as for `networks`; or this is an ensemble.
        """
        if self.config.ensemble:
            raise BadInput(
                f"{self.path}: found {len(self.config.ensemble)} members; expected one network: "
                "name a run as mobileseg train writes it"
            )
        return self.networks[0]

    @property
    def ensemble(self) -> Ensemble:
        """From the picture after CLAHE to probabilities; a plain run is the case of one member.

        Raises:
            BadInput: as for `networks`.
        """
        pairs = zip(self.config.members, self.networks, strict=True)
        return Ensemble([MemberNetwork(net, m.normalisation, m.task) for m, net in pairs]).eval()


def _side_by_side(networks: Sequence[nn.Module]) -> nn.Module:
    """Several networks under the names that an ensemble's weights have."""
    return nn.ModuleDict({"members": nn.ModuleList(networks)})


def save_members(networks: Sequence[nn.Module], path: Path) -> None:
    """Write an ensemble's weights: every member's, each tensor under `members.<place>.`."""
    save_weights(_side_by_side(networks), path)


def weights_sha256(run: Run) -> str:
    """Of its weights' file.

    Raises:
        BadInput: it has none.
    """
    path = run.path / WEIGHTS
    if not path.is_file():
        raise BadInput(f"{path}: no such file; train the run to its first epoch")
    return sha256(path)


def is_run(path: Path) -> bool:
    return (path / "config.json").is_file()


def open_run(path: Path) -> Run:
    """Open a run folder, or one that ships with the package by its name alone.

    Raises:
        BadInput: not a run, a damaged one, or a pickled checkpoint.
    """
    if not path.exists():
        path = shipped_runs().get(str(path), path)
    if not is_run(path):
        found = _no_run(path)
        raise BadInput(
            f"{path}: {found}; expected a run folder as mobileseg train writes it, "
            f"or a name of the runs that ship: {', '.join(shipped_runs())}"
        )
    where = path / "config.json"
    return Run(path, RunConfig.from_json(read_json(where), where))


def _no_run(path: Path) -> str:
    """What is there instead of a run. Raises BadInput for a pickled checkpoint."""
    if not path.exists():
        return "no such folder"
    if path.is_file():
        refuse_pickle(path)
        return "a file"
    return "no config.json in it"


def shipped_runs() -> dict[str, Path]:
    """The trained runs that ship inside the package, by name."""
    folder = Path(str(files("mobileseg") / "pretrained"))
    return {path.name: path for path in sorted(folder.iterdir()) if is_run(path)}


def pretrained_run() -> Path:
    """The shipped run that is taken where none is named."""
    return shipped_runs()[PRETRAINED]
