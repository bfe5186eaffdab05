"""What an ONNX file says of its inputs, read from its protocol buffers (onnx.proto), which OpenCV does not tell."""

from __future__ import annotations

from collections.abc import Iterator

# Numbers of fields.
GRAPH = 7
INITIALIZER, INPUT = 5, 11
INITIALIZER_NAME, INPUT_NAME = 8, 1
INPUT_TYPE, TENSOR_TYPE, SHAPE, DIMENSION, SIZE = 2, 1, 2, 1, 1
# How many bytes the wire types of fixed length have.
FIXED = {1: 8, 5: 4}
VARINT, DELIMITED = 0, 2

Shape = tuple[int | None, ...]


def input_shapes(file: bytes) -> list[Shape]:
    """The shapes of the inputs of a network, without those that the file itself has values for.

    Args:
        file: The bytes of the ONNX file.

    Returns:
        A shape for each input; None is a size that is free.

    Raises:
        ValueError: If these are no protocol buffers.
    """
    graphs = _all(memoryview(file), GRAPH)
    known = {
        bytes(name)
        for graph in graphs
        for tensor in _all(graph, INITIALIZER)
        for name in _all(tensor, INITIALIZER_NAME)
    }
    inputs = [value for graph in graphs for value in _all(graph, INPUT)]
    return [_shape(value) for value in inputs if not known & {bytes(name) for name in _all(value, INPUT_NAME)}]


def _shape(value: memoryview) -> Shape:
    level = [value]
    for field in (INPUT_TYPE, TENSOR_TYPE, SHAPE, DIMENSION):
        level = [part for outer in level for part in _all(outer, field)]
    sizes = [next((size for number, size in _fields(dimension) if number == SIZE), None) for dimension in level]
    return tuple(size if isinstance(size, int) and size > 0 else None for size in sizes)


def _all(message: memoryview, number: int) -> list[memoryview]:
    """The parts of a message that have one number."""
    return [value for found, value in _fields(message) if found == number and isinstance(value, memoryview)]


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: their numbers, and whole numbers or bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        size, position = _varint(message, position) if kind == DELIMITED else (FIXED.get(kind, -1), position)
        if size < 0 or position + size > len(message):
            raise ValueError(f"no protocol buffer at byte {position:,}")
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place after it."""
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        value, position = value | (byte & 0x7F) << shift, position + 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError(f"no number at byte {position:,}")
