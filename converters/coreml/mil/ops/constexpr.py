"""Compressed constants, unpacked once when the program is opened.

Arithmetic is in float32; the program declares what it is rounded to.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Arguments, Unsupported, computed_in
from converters.coreml.mil.dtypes import unpacked
from converters.coreml.mil.op_spec import Result, Row


def _along_axis(values: Tensor, axis: int, like: Tensor) -> Tensor:
    """One value, or one for each place of an axis, in the shape that broadcasts over a tensor."""
    if values.ndim == 0:
        return values
    if values.shape != (like.shape[axis],):
        raise Unsupported(f"has {tuple(values.shape)} scales for {like.shape[axis]} places")
    sizes = [1] * like.ndim
    sizes[axis] = -1
    return values.reshape(sizes)


def _affine_dequantize(a: Arguments) -> Result:
    """scale · (stored - zero point)."""
    stored, axis = a.tensor("quantized_data").float(), a.whole("axis")
    if not -stored.ndim <= axis < stored.ndim:
        raise Unsupported(f"scales along axis {axis} of {stored.ndim}")
    scale = _along_axis(a.tensor("scale"), axis, stored)
    return scale * (stored - _along_axis(a.tensor("zero_point").float(), axis, stored))


def _cast(a: Arguments) -> Result:
    a.word("output_dtype", ("fp32",))
    return a.tensor("source_val")


def _lut_of_bytes(a: Arguments) -> Result:
    """Until iOS 17: indices packed into bytes, one table for all of them."""
    lut, shape = computed_in(a.stored("lut")), a.wholes("shape")
    if lut.ndim != 1 or lut.numel() not in (2, 4, 16, 64, 256):
        raise Unsupported(f"has a table of shape {tuple(lut.shape)}")
    bits, count = int(math.log2(lut.numel())), math.prod(shape)
    packed = a.stored("indices")
    if packed.numel() != math.ceil(bits * count / 8):
        raise Unsupported(f"has {packed.numel()} bytes of indices for {count} of {bits} bits")
    places = torch.from_numpy(unpacked(packed.numpy(), bits, count))
    return lut[places.to(torch.int32)].reshape(shape)


def _spread(table: Tensor, sizes: list[int]) -> Tensor:
    """Each value of a table of blocks repeated over its block, along the first axes."""
    for axis, size in enumerate(sizes):
        blocks = table.shape[axis]
        if blocks < 1 or size % blocks:
            raise Unsupported(f"has {blocks} blocks for {size} places")
        table = table.repeat_interleave(size // blocks, axis)
    return table


def _block_of(sizes: list[int], blocks: list[int]) -> Tensor:
    """For each place of a tensor, the number of its block, blocks counted row by row."""
    number = torch.zeros(sizes, dtype=torch.int64)
    for axis, (size, count) in enumerate(zip(sizes, blocks, strict=True)):
        if count < 1 or size % count:
            raise Unsupported(f"has {count} blocks for {size} places")
        along = torch.arange(size) // (size // count)
        number = number * count + along.reshape([-1] + [1] * (len(sizes) - axis - 1))
    return number


def _looked_up(indices: Tensor, lut: Tensor, axis: int | None) -> Tensor:
    """A table for each block, of values or of vectors; a vector fills its length along an axis."""
    if lut.ndim != indices.ndim + 2:
        raise Unsupported(f"has a table of {lut.ndim} axes for indices of {indices.ndim}")
    *blocks, entries, length = lut.shape
    if indices.numel() and int(indices.max()) >= entries:
        raise Unsupported(f"has an index {int(indices.max())} into {entries} entries")
    if length > 1 and axis is None:
        raise Unsupported("has vectors and no vector_axis")
    place = _block_of(list(indices.shape), blocks) * entries + indices.to(torch.int64)
    found = lut.reshape(-1, length)[place]  # indices' shape, then the vector
    axis = (axis or 0) % indices.ndim
    return found.movedim(-1, axis + 1).flatten(axis, axis + 1)


def _vector_axis(a: Arguments) -> int | None:
    return a.whole("vector_axis") if a.has("vector_axis") else None


def _lut_of_indices(a: Arguments) -> Result:
    """Since iOS 18: indices in a type of their own width, a table for each block of them."""
    return _looked_up(a.stored("indices"), computed_in(a.stored("lut")), _vector_axis(a))


def _shifted_and_scaled(data: Tensor, a: Arguments) -> Tensor:
    """scale · (data - offset), each for a block of the data."""
    scale = computed_in(a.stored("scale"))
    if scale.ndim != data.ndim:
        raise Unsupported(f"has scales of {scale.ndim} axes for data of {data.ndim}")
    sizes = list(data.shape)
    if a.has("offset"):
        data = data - _spread(a.tensor("offset").float(), sizes)
    return _spread(scale, sizes) * data


def _blockwise_shift_scale(a: Arguments) -> Result:
    return _shifted_and_scaled(a.tensor("data").float(), a)


def _dense(mask: Tensor, values: Tensor) -> Tensor:
    """The values at the places whose mask is 1, in order; 0 elsewhere."""
    if int(mask.sum()) != values.numel():
        raise Unsupported(f"has {values.numel()} values for {int(mask.sum())} places")
    dense = torch.zeros(mask.shape, dtype=values.dtype)
    dense[mask.bool()] = values.reshape(-1)
    return dense


def _sparse_of_bytes(a: Arguments) -> Result:
    """Until iOS 17: the mask's bits in bytes, with a shape."""
    packed, shape = a.stored("mask"), a.wholes("shape")
    count = math.prod(shape)
    if packed.numel() != math.ceil(count / 8):
        raise Unsupported(f"has a mask of {packed.numel()} bytes for {count} values")
    bits = unpacked(packed.numpy(), 1, 8 * packed.numel())
    if bits[count:].any():
        raise Unsupported("has a mask that goes on beyond its values")
    mask = torch.from_numpy(bits[:count]).reshape(shape)
    return _dense(mask, computed_in(a.stored("nonzero_data")))


def _sparse_of_mask(a: Arguments) -> Result:
    """Since iOS 18: a mask of the tensor's own shape."""
    return _dense(a.stored("mask"), computed_in(a.stored("nonzero_data")))


def _lut_to_sparse(a: Arguments) -> Result:
    """A table on the values that are not 0: their mask, and they themselves."""
    mask, axis = a.stored("indices_mask"), _vector_axis(a)
    lut = computed_in(a.stored("lut"))
    dense = _looked_up(_dense(mask, a.stored("indices_nonzero_data")), lut, axis)
    mask = mask.repeat_interleave(lut.shape[-1], axis or 0)
    return mask.to(torch.int32), dense[mask.bool()]


def _sparse_shift_scale(a: Arguments) -> Result:
    """Scales on the values that are not 0: their mask, and they themselves."""
    mask = a.stored("data_mask")
    dense = _shifted_and_scaled(_dense(mask, a.tensor("nonzero_data").float()), a)
    return mask.to(torch.int32), dense[mask.bool()]


OPERATIONS: dict[str, Row | tuple[Row, ...]] = {
    "constexpr_affine_dequantize": Row(_affine_dequantize, gives="scale", since=16),
    "constexpr_cast": Row(_cast, gives="fp32", since=16),
    "constexpr_lut_to_dense": (
        Row(_lut_of_bytes, gives="lut", since=16),
        Row(_lut_of_indices, gives="lut", since=18),
    ),
    "constexpr_sparse_to_dense": (
        Row(_sparse_of_bytes, gives="nonzero_data", since=16),
        Row(_sparse_of_mask, gives="nonzero_data", since=18),
    ),
    "constexpr_blockwise_shift_scale": Row(_blockwise_shift_scale, gives="scale", since=18),
    "constexpr_lut_to_sparse": Row(_lut_to_sparse, gives=None, since=18),
    "constexpr_sparse_blockwise_shift_scale": Row(_sparse_shift_scale, gives=None, since=18),
}
