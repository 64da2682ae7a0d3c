"""A network that computes in float32 as if it were int8, for the layers that are to be.

The graph is torchao's, annotated by ExecuTorch's XNNPACK quantizer: weights symmetric, a scale per
output channel; values between layers with one scale and zero point each. What is ours is which
layers take part, and that the ranges come from a file and not from an observer's state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.quantization.calibration import Ranges
from mobileseg.quantization.export import export_network, module_path, sites
from mobileseg.quantization.layers import inside

EPS = 2.0**-12  # smallest scale; XNNPACK's own


class FakeQuantized:
    """The graph, and the quantizers in it.

    Args:
        network: with batch norm folded; its weights are taken over, not shared.
        ranges: as `calibrate` gives them.
        layers_float: names of layers that stay float32.
        sides: with all maps that training supervises.

    Raises:
        MissingToolkit: torchao or executorch is not installed.
        BadInput: a site has no range: the ranges are another network's.
    """

    def __init__(
        self,
        network: nn.Module,
        ranges: Ranges,
        side_px: int,
        layers_float: Collection[str],
        *,
        sides: bool = False,
    ) -> None:
        prepare, quantizer = _toolkit(layers_float)
        exported = export_network(network, side_px, sides=sides)
        named = sites(exported)
        self.graph: GraphModule = prepare(exported, quantizer)
        for quantize, observed in self._quantizers():
            if _is_weight(observed[0]):
                quantize.activation_post_process(_weight(self.graph, observed[0]).detach())
            else:
                _set_range(quantize, [_range(ranges, named, node) for node in observed])
            _settle(quantize)

    def _quantizers(self) -> Iterator[tuple[Any, list[Node]]]:
        """Every quantizer, and all that it serves: what is concatenated shares one."""
        from torchao.quantization.pt2e import FakeQuantizeBase

        modules = dict(self.graph.named_modules(remove_duplicate=False))
        served: dict[int, tuple[Any, list[Node]]] = {}
        for node in self.graph.graph.nodes:
            module = modules.get(str(node.target)) if node.op == "call_module" else None
            if isinstance(module, FakeQuantizeBase):
                served.setdefault(id(module), (module, []))[1].append(node.args[0])
        yield from served.values()

    def weights_follow(self) -> None:
        """Take the weights' scales anew: training has moved them."""
        for quantize, observed in self._quantizers():
            if _is_weight(observed[0]):
                quantize.activation_post_process.reset_min_max_vals()
                quantize.activation_post_process(_weight(self.graph, observed[0]).detach())
                _settle(quantize)

    def counts(self) -> tuple[int, int]:
        """Quantized weights, and quantized values between layers."""
        weights = [_is_weight(observed[0]) for _, observed in self._quantizers()]
        return sum(weights), len(weights) - sum(weights)

    def network(self) -> nn.Module:
        """It, to be called as a network is: pictures (N, 3, S, S) in, a list of maps out."""
        return _OneMode(self.graph)

    def weights(self) -> dict[str, Tensor]:
        """The network's weights as they are now, by their names in the network."""
        return {
            name.removeprefix("network."): parameter.detach().clone()
            for name, parameter in self.graph.named_parameters()
        }

    def converted(self) -> nn.Module:
        """The same with operations that a backend runs in int8; takes this graph apart."""
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

        return _OneMode(convert_pt2e(self.graph))


class _OneMode(nn.Module):
    """An exported graph has one mode, and refuses to be asked for another."""

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph

    def train(self, mode: bool = True) -> _OneMode:
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        return list(self.graph(x))


def _toolkit(
    layers_float: Collection[str],
) -> tuple[Callable[[GraphModule, Any], GraphModule], Any]:
    try:
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer_utils import (
            propagate_annotation,
        )
        from torchao.quantization.pt2e import (
            FakeQuantize,
            MinMaxObserver,
            PerChannelMinMaxObserver,
        )
        from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e
        from torchao.quantization.pt2e.quantizer import QuantizationConfig, QuantizationSpec
        from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY
    except ImportError:
        raise MissingToolkit.install("executorch", "executorch") from None

    between = QuantizationSpec(
        dtype=torch.int8,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=FakeQuantize.with_args(observer=MinMaxObserver, eps=EPS),
    )
    weights = QuantizationSpec(
        dtype=torch.int8,
        quant_min=-127,
        quant_max=127,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
        observer_or_fake_quant_ctr=FakeQuantize.with_args(
            observer=PerChannelMinMaxObserver, eps=EPS
        ),
    )

    def is_float(node: Node) -> bool:
        return inside(module_path(node), layers_float)

    class LayerQuantizer(XNNPACKQuantizer):  # type: ignore[misc]
        """Leaves float layers alone, and what is concatenated for nothing but float layers.

        By names and not by `set_module_name`: that quantizes none of these weights, silently.
        """

        # Batch norm is folded here; looking for it all the same takes seconds.
        SUPPORTED_PATTERNS: ClassVar = [
            pattern for pattern in XNNPACKQuantizer.SUPPORTED_PATTERNS if "bn" not in pattern.name
        ]

        def annotate(self, model: GraphModule) -> GraphModule:
            self._annotate_for_quantization_config(model)
            for node in model.graph.nodes:
                # Upstream's rule for a concatenation asks no filter.
                concatenates = node.target == torch.ops.aten.cat.default
                if concatenates and all(is_float(user) for user in node.users):
                    node.meta.pop(Q_ANNOTATION_KEY, None)
            propagate_annotation(model)
            return model

    quantizer = LayerQuantizer()
    quantizer.set_global(QuantizationConfig(between, between, weights, None, True))
    quantizer.set_filter_function(lambda node: not is_float(node))
    return prepare_qat_pt2e, quantizer


def _is_weight(node: Node) -> bool:
    return node.op == "get_attr"


def _weight(graph: GraphModule, node: Node) -> Tensor:
    found: Any = graph
    for name in str(node.target).split("."):
        found = getattr(found, name)
    return cast(Tensor, found)


def _range(ranges: Ranges, named: dict[str, str], node: Node) -> tuple[float, float]:
    site = named.get(node.name, node.name)
    try:
        return ranges[site]
    except KeyError:
        raise BadInput(
            f"found no range for {site!r} among {len(ranges)}; expected ranges of this very "
            "network: quantize the run again"
        ) from None


def _set_range(quantize: Any, seen: list[tuple[float, float]]) -> None:
    observer = quantize.activation_post_process
    observer.min_val = torch.tensor(min(low for low, _ in seen))
    observer.max_val = torch.tensor(max(high for _, high in seen))


def _settle(quantize: Any) -> None:
    """Take scale and zero point from the range, and look at no value any more."""
    scale, zero_point = quantize.activation_post_process.calculate_qparams()
    quantize.scale.resize_(scale.shape).copy_(scale)
    quantize.zero_point.resize_(zero_point.shape).copy_(zero_point)
    quantize.disable_observer()
    quantize.enable_fake_quant()
