from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import twinnet
from twinnet import TwinnetError, TwinNetwork
from twinnet.backbones.onnx import OnnxBackbone
from twinnet.backbones.onnx_format import input_shapes


def field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low | 0x80]) + varint(value >> 7) if value >> 7 else bytes([low])


def tensor_info(name: str, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dimensions)))


@pytest.fixture
def onnx_file(tmp_path):
    """A network of one convolution, pictures (1, 3, 8, 8) -> (1, 5, 1, 1), and its weights (5, 3, 8, 8)."""
    weights = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32)
    tensor = (
        b"".join(field(1, size) for size in weights.shape) + field(2, 1) + field(8, "w") + field(9, weights.tobytes())
    )
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, "Conv")
    graph = field(1, node) + field(2, "g") + field(5, tensor)
    graph += field(11, tensor_info("x", (1, 3, 8, 8))) + field(12, tensor_info("y", (1, 5, 1, 1)))
    path = tmp_path / "network.onnx"
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return path, weights


def test_an_onnx_file_embeds_and_is_saved(onnx_file, tmp_path):
    path, weights = onnx_file
    network = TwinNetwork(OnnxBackbone(str(path), size=8), preprocess={"name": "image", "size": [8, 8]})
    pictures = [np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8) for i in range(3)]
    rows = network.encode(pictures)
    batch = network.tower.preprocess.collate(network.tower.preprocess.prepare(pictures))
    expected = np.einsum("bchw,ochw->bo", batch["pixels"].numpy().astype(np.float64), weights)
    assert np.allclose(rows, expected, atol=1e-3)
    network.save(tmp_path / "saved")
    path.unlink()
    assert np.array_equal(twinnet.load(tmp_path / "saved").encode(pictures), rows)


def test_what_cannot_be_run_is_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(TwinnetError, match="there is no such ONNX file"):
        OnnxBackbone("missing.onnx")
    with pytest.raises(TwinnetError, match="not an ONNX file"):
        OnnxBackbone(str(tmp_path / "text.onnx"))


def test_pictures_of_another_size_never_reach_opencv(onnx_file):
    path, _ = onnx_file
    for size in (4, 7, 9, 112):
        with pytest.raises(TwinnetError, match=rf"takes pictures \(1, 3, 8, 8\), not \(1, 3, {size}, {size}\)"):
            OnnxBackbone(str(path), size=size)
    backbone = OnnxBackbone(str(path), size=8)
    with pytest.raises(TwinnetError, match="8 pixels a side"):
        backbone({"pixels": torch.zeros(1, 3, 9, 8)})


def test_shapes_of_inputs():
    name, free = field(1, "x"), field(1, field(2, "height"))
    of_tensor = field(2, field(1, field(2, field(1, field(1, 1)) + field(1, field(1, 3)) + free + free)))
    weights = field(5, field(8, "w") + field(9, b"\0" * 4)) + field(11, tensor_info("w", (1,)))
    assert input_shapes(field(1, 8) + field(7, weights + field(11, name + of_tensor))) == [(1, 3, None, None)]
    assert input_shapes(b"") == []


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_have_shapes_or_are_refused(content):
    try:
        assert isinstance(input_shapes(content), list)
    except ValueError as error:
        assert "at byte" in str(error)


def test_a_network_that_takes_no_pictures_is_refused(tmp_path):
    path = tmp_path / "flat.onnx"
    path.write_bytes(field(7, field(11, tensor_info("x", (1, 12)))))
    with pytest.raises(TwinnetError, match=r"takes \(1, 12\)"):
        OnnxBackbone(str(path))


def test_it_takes_no_gradients(onnx_file):
    path, _ = onnx_file
    backbone = OnnxBackbone(str(path), size=8)
    assert not list(backbone.parameters())
    assert not backbone({"pixels": torch.zeros(2, 3, 8, 8)}).values.requires_grad
