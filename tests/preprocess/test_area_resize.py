"""Reading few rows and columns: how few, and that every converter's form of it answers alike."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import UnknownName
from mobileseg.preprocess import reference
from mobileseg.preprocess.area_resize import ByTaps, most_taps
from mobileseg.preprocess.graph import Preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

HW = (96, 80)
SPEC = PreprocessSpec(64, HW)


def frames() -> list[np.ndarray]:
    made = [make_phantom(5, 90, index=i, aspect=1.2).picture for i in range(2)]
    off_centre = np.zeros((*HW, 3), np.uint8)
    off_centre[60:, :30] = made[0][20:56, 20:50]  # its square starts outside
    return [*(photo_to_frame(p, HW) for p in made), off_centre, np.zeros((*HW, 3), np.uint8)]


def touched(length: int, count: int) -> int:
    """By looking at every stretch."""
    return max(-(-(i + 1) * length // count) - i * length // count for i in range(count))


@pytest.mark.parametrize(("longest", "count"), [(96, 64), (80, 96), (200, 32), (130, 64)])
def test_no_stretch_touches_more_pixels_than_are_read_and_one_touches_as_many(longest, count):
    assert most_taps(longest, count) == max(touched(n, count) for n in range(1, longest + 1))


def test_a_frame_of_1024_is_read_three_rows_at_a_time():
    assert most_taps(1024, 512) == 3
    assert [most_taps(n, 512) for n in (512, 1920, 4096)] == [2, 5, 9]
    sampling = ByTaps(PreprocessSpec(256, (480, 1000), "rectangle", finder=1))
    assert (len(sampling.row_taps), len(sampling.column_taps)) == (3, 5)
    square = ByTaps(PreprocessSpec(256, (480, 1000), finder=1))
    assert (len(square.row_taps), len(square.column_taps)) == (5, 5)
    # Finder 2's box goes on where the frame ends: up to one and a half times as far.
    circle = ByTaps(PreprocessSpec(512, (1024, 1024)))
    assert (len(circle.row_taps), len(circle.column_taps)) == (4, 4)


def test_with_a_tap_too_few_the_levels_would_differ():
    frame = np.random.default_rng(0).integers(0, 256, (*HW, 3), dtype=np.uint8)
    frame[:7] = 0
    expected = reference.preprocess(frame, SPEC).levels
    module = Preprocess(SPEC, sampling="taps")
    given = torch.from_numpy(frame)[None]

    def found() -> np.ndarray:
        levels = module.crop_and_resize(given, module.find_crop(given)[0])
        kept = module.find_crop(given)[2]  # the graph blackens what is outside later
        return (levels * kept)[0].permute(1, 2, 0).numpy()

    assert np.array_equal(found(), expected)
    height = int(module.find_crop(given)[0][3])
    fewest = -(-height // SPEC.side_px)  # rows of the frame that a row of the box lies over
    module.sampling.row_taps = module.sampling.row_taps[: fewest - 1]
    assert not np.array_equal(found(), expected)


def test_the_tables_that_every_file_stores_are_small():
    for frame_hw in ((1024, 1024), (4096, 4096)):
        buffers = Preprocess(PreprocessSpec(512, frame_hw), sampling="taps").buffers()
        assert sum(b.numel() * b.element_size() for b in buffers) < 90_000


def test_an_unknown_sampling_is_answered_with_the_choices():
    with pytest.raises(UnknownName) as refusal:
        Preprocess(SPEC, sampling="nearest")
    assert str(refusal.value) == "no sampling 'nearest'; choose from matmul, taps"


def assert_reference(answer, frame: np.ndarray) -> None:
    expected = reference.preprocess(frame, SPEC)
    enhanced, box, retina, disc = (np.asarray(part) for part in answer)
    crop = expected.crop
    assert box.tolist() == [[crop.left, crop.top, crop.width, crop.height]]
    assert retina.tolist() == [[expected.retina]]
    assert np.array_equal(disc[0, 0], expected.disc)
    assert np.array_equal(enhanced[0].transpose(1, 2, 0), expected.enhanced)


def test_a_batch_mapped_over_the_bytes_gives_the_reference():
    graph = Preprocess(SPEC, sampling="taps")
    x = torch.from_numpy(np.stack(frames())).unsqueeze(1)  # N 1 H W 3
    answers = torch.vmap(graph)(x)
    for i, frame in enumerate(frames()):
        assert_reference([part[i] for part in answers], frame)


def test_the_lite_interpreter_gives_the_reference(tmp_path):
    from torch.jit.mobile import _load_for_lite_interpreter

    path = tmp_path / "preprocess.ptl"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        graph = Preprocess(SPEC, sampling="taps").eval()
        example = torch.zeros(1, *HW, 3, dtype=torch.uint8)
        traced = torch.jit.trace(graph, example, check_trace=False)
        torch.jit.freeze(traced)._save_for_lite_interpreter(str(path))
        module = _load_for_lite_interpreter(str(path))
    assert path.stat().st_size < 120_000  # nothing the size of a frame was folded into it
    for frame in frames():
        assert_reference(module(torch.from_numpy(frame)[None]), frame)


def test_onnxruntime_gives_the_reference(tmp_path):
    for toolkit in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(toolkit, reason=f"not run: {toolkit} is not installed")
    import onnxruntime

    path = tmp_path / "preprocess.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Preprocess(SPEC, sampling="taps").eval(),
            (torch.zeros(1, *HW, 3, dtype=torch.uint8),),
            str(path),
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for frame in frames():
        assert_reference(session.run(None, {name: frame[None]}), frame)
