"""Operations on each value for itself, and on pairs of values."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row, binary, unary

# Words of `cast` -> what computing continues in; the declared type rounds further.
CASTS = {
    **dict.fromkeys(("fp32", "fp16"), torch.float32),
    **dict.fromkeys(("int32", "int16", "uint16", "int8", "uint8"), torch.int32),
    "bool": torch.bool,
}


def _cast(a: Arguments) -> Result:
    """To another type; a fraction is cut toward 0, as coremltools folds constants."""
    word, x = a.word("dtype", tuple(CASTS)), a.tensor("x")
    if a.declared and a.declared[0].dtype.name != word:
        raise Unsupported(f"casts to {word} but declares {a.declared[0].dtype.name}")
    into = CASTS[word]
    if into == torch.int32 and x.is_floating_point():
        fits = (x >= -(2.0**31)) & (x < 2.0**31)  # NaN does not, and nobody says what becomes of it
        if not bool(fits.all()):
            raise Unsupported(f"casts a value that no {word} can hold")
    return x.to(into)


def _clip(a: Arguments) -> Result:
    low, high = a.number("alpha"), a.number("beta")
    if not low <= high:
        raise Unsupported(f"clips to {low}..{high}")
    return torch.clamp(a.tensor("x"), low, high)


def _divide(x: Tensor, y: Tensor) -> Tensor:
    """Of whole numbers the documentation names no rounding."""
    if not x.is_floating_point():
        raise Unsupported("divides whole numbers, whose rounding is not documented")
    return x / y


def _inverse(a: Arguments) -> Result:
    """1 / (x + epsilon), and epsilon is 0.0001 unless it is given."""
    return 1.0 / (a.tensor("x") + a.number("epsilon", 1e-4))


def _log(a: Arguments) -> Result:
    """log(x + epsilon), and epsilon is 1e-45 unless it is given: 0 does not become infinite."""
    return torch.log(a.tensor("x") + a.number("epsilon", 1e-45))


def _leaky_relu(a: Arguments) -> Result:
    x = a.tensor("x")
    return torch.where(x >= 0, x, x * a.number("alpha"))


def _batch_norm(a: Arguments) -> Result:
    """(x - mean) / sqrt(variance + epsilon) · gamma + beta, along axis 1."""
    given = {name: a.tensor(name) for name in ("gamma", "beta") if a.has(name)}
    return functional.batch_norm(
        a.tensor("x"),
        a.tensor("mean"),
        a.tensor("variance"),
        given.get("gamma"),
        given.get("beta"),
        eps=a.number("epsilon", 1e-5),
    )


def _softmax(a: Arguments) -> Result:
    return torch.softmax(a.tensor("x"), a.whole("axis", -1))


OPERATIONS = {
    "add": binary(torch.add),
    "sub": binary(torch.sub),
    "mul": binary(torch.mul),
    "real_div": binary(_divide),
    "maximum": binary(torch.maximum),
    "minimum": binary(torch.minimum),
    "abs": unary(torch.abs),
    "ceil": unary(torch.ceil),
    "exp": unary(torch.exp),
    "floor": unary(torch.floor),
    "identity": unary(lambda x: x),
    "relu": unary(torch.relu),
    # 0.5 becomes 0, says Apple; 1.5 becomes 2, as coremltools folds constants: half to even.
    "round": unary(torch.round),
    "sigmoid": unary(torch.sigmoid),
    "sqrt": unary(torch.sqrt),
    "square": unary(torch.square),
    "tanh": unary(torch.tanh),
    "batch_norm": Row(_batch_norm),
    "cast": Row(_cast, gives=None),
    "clip": Row(_clip),
    "inverse": Row(_inverse),
    "leaky_relu": Row(_leaky_relu),
    "log": Row(_log),
    "softmax": Row(_softmax),
}
