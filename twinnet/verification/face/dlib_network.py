"""Networks of dlib's dnn module (dlib/dnn/core.h, layers.h) as a list of layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from twinnet.verification.face.dlib_format import DlibStream, Floats

# The version that dlib writes for a layer, for the innermost layer, and for a tag or a skip.
LAYER, FIRST_LAYER, LINK = 2, 3, 1


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: dlib's name of its type, without version.
        shape: Its integers: for "con" the filters, rows and columns of a filter, strides and paddings.
        weight: Filters (out, in, rows, columns) of "con", factors (channels,) of "affine", matrix (in, out) of "fc".
        bias: Shift (channels,) of "con" and "affine".
    """

    name: str
    shape: tuple[int, ...] = ()
    weight: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    bias: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))


@dataclass(frozen=True)
class DlibNetwork:
    """A network.

    Attributes:
        loss: The numbers of its loss layer, as they come.
        means: What its input layer subtracts from red, green and blue.
        layers: From input to output.
    """

    loss: tuple[float, ...]
    means: tuple[float, ...]
    layers: tuple[Layer, ...]

    def convolutions(self) -> list[Layer]:
        """All convolutions, each with the affine layer behind it folded into its filters and shifts."""
        folded = []
        for layer, after in zip(self.layers, (*self.layers[1:], Layer("")), strict=True):
            if layer.name == "con" and after.name == "affine":
                weight = layer.weight * after.weight[:, None, None, None]
                folded.append(Layer("con", layer.shape, weight, layer.bias * after.weight + after.bias))
            elif layer.name == "con":
                folded.append(layer)
        return folded


def read_network(path: Path) -> DlibNetwork:
    """Read a network.

    A network is nested in the file as its type is: the versions from the output layer inwards, the input layer, and
    then what the layers hold, outwards.

    Raises:
        TwinnetError: If the file is damaged, or has a layer that face networks do not have.
    """
    stream = DlibStream(path)
    stream.expect(1, "version of the loss layer")
    loss = _read_loss(stream)
    versions = [stream.integer()]
    while versions[-1] in (LAYER, LINK):
        versions.append(stream.integer())
    if versions[-1] != FIRST_LAYER:
        raise stream.damaged(f"version {versions[-1]} of a layer")
    means = _read_input(stream)
    layers = []
    for version in reversed(versions):
        if version != LINK:
            layers.append(_read_layer(stream))
            _skip_state(stream, first=version == FIRST_LAYER)
    stream.finish()
    return DlibNetwork(loss, means, tuple(layers))


def _read_loss(stream: DlibStream) -> tuple[float, ...]:
    name = stream.text()
    if name == "loss_metric_2":
        return tuple(map(float, stream.floats(2)))  # margin, distance threshold
    if name != "loss_mmod_":
        raise stream.damaged(f"loss {name!r}")
    stream.expect(1, "version of the detector's options")
    window = stream.integer(), stream.integer()
    return tuple(map(float, (*window, *stream.floats(7))))  # losses, truth match, overlap for suppression, for ignoring


def _read_input(stream: DlibStream) -> tuple[float, ...]:
    name = stream.text()
    means = tuple(map(float, stream.floats(3)))
    if name == "input_rgb_image_sized":
        stream.integers(2)
    elif name != "input_rgb_image_pyramid":
        raise stream.damaged(f"input {name!r}")
    return means


def _read_layer(stream: DlibStream) -> Layer:
    name = stream.text()
    reader = READERS.get(name)
    if reader is None:
        raise stream.damaged(f"layer {name!r}")
    return reader(stream)


def _skip_state(stream: DlibStream, *, first: bool) -> None:
    """What a layer keeps from its training."""
    if stream.take(3).strip(b"01"):
        raise stream.damaged("a layer's flags")
    for _ in range(3):
        stream.tensor()
    if first:
        stream.integers(1)


def _read_con(stream: DlibStream) -> Layer:
    values = stream.tensor().ravel()
    shape = tuple(map(int, stream.integers(7)))
    filters, biases = _alias(stream), _alias(stream)
    stream.floats(4)
    size, out = int(np.prod(filters)), int(np.prod(biases))
    if size + out != values.size or (filters[0], *filters[2:]) != shape[:3] or out != shape[0]:
        raise stream.damaged(f"{values.size:,} weights for a convolution of {filters}")
    return Layer("con", shape, values[:size].reshape(filters), values[size:])


def _read_affine(stream: DlibStream) -> Layer:
    values = stream.tensor().ravel()
    channels = int(np.prod(_alias(stream)))
    _alias(stream)
    stream.integers(1)
    if values.size != 2 * channels:
        raise stream.damaged(f"{values.size:,} weights for {channels} channels")
    return Layer("affine", (channels,), values[:channels], values[channels:])


def _read_batch_norm(stream: DlibStream) -> Layer:
    """As the affine layer that it is once it has been trained."""
    values = stream.tensor().ravel()
    channels = int(np.prod(_alias(stream)))
    _alias(stream)
    stream.tensor(), stream.tensor()  # the last batch's
    mean, variance = stream.tensor().ravel(), stream.tensor().ravel()
    stream.integers(2)
    *_, epsilon = stream.floats(5)
    if values.size != 2 * channels or mean.size != channels or variance.size != channels:
        raise stream.damaged(f"{values.size:,} weights for {channels} channels")
    factor = values[:channels] / np.sqrt(variance + epsilon)
    return Layer("affine", (channels,), factor, values[channels:] - factor * mean)


def _read_fc(stream: DlibStream) -> Layer:
    outputs, inputs = map(int, stream.integers(2))
    values = stream.tensor().ravel()
    _alias(stream), _alias(stream)
    without_bias = stream.integer()
    stream.floats(4)
    if not without_bias or values.size != inputs * outputs:
        raise stream.damaged(f"{values.size:,} weights for a layer of {inputs} x {outputs}")
    return Layer("fc", (inputs, outputs), values.reshape(inputs, outputs))


def _pool(name: str) -> Callable[[DlibStream], Layer]:
    return lambda stream: Layer(name, tuple(map(int, stream.integers(6))))


def _alias(stream: DlibStream) -> tuple[int, ...]:
    """The shape of a part of a layer's weights."""
    stream.expect(1, "version of a shape")
    shape = tuple(map(int, stream.integers(4)))
    if min(shape) < 0:
        raise stream.damaged("a negative size")
    return shape


READERS: dict[str, Callable[[DlibStream], Layer]] = {
    "con_4": _read_con,
    "affine_": _read_affine,
    "bn_con2": _read_batch_norm,
    "fc_2": _read_fc,
    "relu_": lambda _: Layer("relu"),
    "add_prev_": lambda _: Layer("add_prev"),
    "max_pool_2": _pool("max_pool"),
    "avg_pool_2": _pool("avg_pool"),
}
