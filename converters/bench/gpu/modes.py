"""The ways of running a network that are tried, as data: what each changes, and at which cost.

A form is tried on its own: one that cannot be built here is a row with the reason. Later rows of
a table cost more time, because each compiles for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mobileseg.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way of running one or several networks."""

    precision: str = "fp32"  # of `PRECISIONS`
    network: str = "as trained"  # of `transforms.NETWORKS`: what is done to each member
    together: str = "serial"  # of `transforms.TOGETHER`: how members answer
    channels_last: bool = False
    run: str = "eager"  # of `execution.RUNS`
    search: bool = True  # cuDNN's own choice of algorithms; False is PyTorch's default

    @property
    def name(self) -> str:
        """Unique within its table, and what `--form` takes."""
        layout = "channels_last" if self.channels_last else ""
        parts = (self.precision, self.network, self.together, layout, self.run)
        return "-".join(p.replace(" ", "_") for p in parts if p and p != "serial")

    @property
    def engine(self) -> str:
        """In words, for the row; the precision has a column of its own."""
        parts = [
            self.network,
            self.together,
            "channels_last" if self.channels_last else "",
            RUN_WORDS[self.run],
            "cuDNN's search" if self.search else "",
        ]
        return "PyTorch " + ", ".join(p for p in parts if p and p != "serial")


RUN_WORDS = {
    "eager": "eager",
    "graph": "CUDA graph",
    "compiled": "torch.compile, CUDA graph",
    "autotuned": "torch.compile max-autotune, CUDA graph",
}

# The paper's way, as far as it says: plain PyTorch. Everything else is held against its answer.
REFERENCE = Form(search=False)
# A † row's members as one launch, nothing else changed.
ONE_GRAPH = Form(run="graph", search=False)

# Same work in each: what one change brings shows from row to row.
BEST: tuple[Form, ...] = (
    Form(),
    Form(run="graph"),
    Form(network="folded", run="graph"),
    Form(network="lean", run="graph"),
    Form(network="lean", channels_last=True, run="graph"),
    Form(precision="tf32", network="lean", run="graph"),
    Form(precision="tf32", network="lean", channels_last=True, run="graph"),
    Form(precision="fp16", network="lean", channels_last=True),
    Form(precision="fp16", network="lean", run="graph"),
    Form(precision="fp16", network="lean", channels_last=True, run="graph"),
    Form(precision="fp16", network="lean taps", channels_last=True, run="graph"),
    Form(precision="bf16", network="lean", channels_last=True, run="graph"),
    Form(network="lean", run="compiled"),
    Form(precision="tf32", network="lean", channels_last=True, run="compiled"),
    Form(precision="fp16", network="lean", channels_last=True, run="compiled"),
    Form(precision="bf16", network="lean", channels_last=True, run="compiled"),
    Form(precision="fp16", network="lean taps", channels_last=True, run="compiled"),
)
# Minutes each: after everything else of a network.
SLOWEST: tuple[Form, ...] = (
    Form(precision="fp16", network="lean", channels_last=True, run="autotuned"),
)

# Each is run with one member too, so that three are held against one run alike.
TOGETHER: tuple[Form, ...] = tuple(
    Form(precision=precision, network="lean", together=way, channels_last=last, run=run)
    for precision, last, run in (
        ("fp32", False, "eager"),
        ("fp32", False, "graph"),
        ("fp16", True, "graph"),
        ("fp16", True, "compiled"),
    )
    for way in ("serial", "streams", "grouped")
    if (way, run) != ("streams", "eager")  # side by side needs a graph to launch all at once
)


# At growing batches, without the compiler, which would take its time again for every batch; then
# compiled, at the best batch that these found.
THROUGHPUT: tuple[Form, ...] = (
    Form(precision="tf32", network="lean", channels_last=True, run="graph"),
    Form(precision="fp16", network="lean", channels_last=True, run="graph"),
)
COMPILED_THROUGHPUT: tuple[Form, ...] = (
    Form(precision="fp16", network="lean", channels_last=True, run="compiled"),
)


def alone(form: Form) -> Form:
    """The form of one member that an ensemble's form is held against."""
    return replace(form, together="serial", network="lean")


def chosen(forms: tuple[Form, ...], names: tuple[str, ...]) -> tuple[Form, ...]:
    """Those whose name is given; all where none is.

    Raises:
        UnknownName: a name of no form; the error lists them.
    """
    known = {form.name: form for form in (*BEST, *SLOWEST, *TOGETHER)} | {f.name: f for f in forms}
    for name in names:
        if name not in known:
            raise UnknownName("form", name, known)
    return tuple(f for f in forms if f.name in names) if names else forms
