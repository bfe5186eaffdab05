from __future__ import annotations

import numpy as np
import pytest
import torch

import twinnet
from twinnet import TwinnetError, TwinNetwork
from twinnet.backbones.onnx import OnnxBackbone


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
    with pytest.raises(TwinnetError, match="OpenCV cannot run it"):
        OnnxBackbone(str(tmp_path / "text.onnx"))


def test_it_takes_no_gradients(onnx_file):
    path, _ = onnx_file
    backbone = OnnxBackbone(str(path), size=8)
    assert not list(backbone.parameters())
    assert not backbone({"pixels": torch.zeros(2, 3, 8, 8)}).values.requires_grad
