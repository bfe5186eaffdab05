"""The stream format of dlib's .dat files (dlib/serialize.h), read with every length checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

NEGATIVE = 0x80
LENGTH = 0x0F
LONGEST = 8
# Bytes whose integers are found together, what fits into a CPU's cache; from a place this power of two ahead is known.
WINDOW = 65_536
DOUBLINGS = 6
# Exponents that stand for no number (dlib/float_details.h): inf, -inf, nan.
NO_NUMBER = 32000


class DlibStream:
    """Reads values one after the other.

    An integer is a control byte (sign and length) and up to eight little-endian bytes; a float is two integers,
    mantissa and exponent of two; tensors are raw little-endian float32 behind their shape.

    Args:
        path: The file.

    Raises:
        TwinnetError: If the file is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.bytes = path.read_bytes()
        except OSError as error:
            raise TwinnetError(f"{path}: cannot be read ({error})") from error
        self.position = 0

    def damaged(self, problem: str) -> TwinnetError:
        """The error for a file that is not what it should be."""
        return TwinnetError(f"{self.path}: damaged at byte {self.position:,} ({problem}): install or copy it again")

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            TwinnetError: If there are not so many.
        """
        end = self.position + count
        if count < 0 or end > len(self.bytes):
            raise self.damaged(f"{count:,} bytes expected, {len(self.bytes) - self.position:,} are left")
        chunk = self.bytes[self.position : end]
        self.position = end
        return chunk

    def integer(self) -> int:
        """One integer."""
        control = self.take(1)[0]
        size = control & LENGTH
        if not 1 <= size <= LONGEST:
            raise self.damaged(f"an integer of {size} bytes")
        value = int.from_bytes(self.take(size), "little")
        return -value if control & NEGATIVE else value

    def integers(self, count: int) -> Integers:
        """The next `count` integers (count,), decoded together."""
        starts = self._starts(count)
        data = np.frombuffer(self.bytes, dtype=np.uint8)
        control = data[starts]
        sizes = control & LENGTH
        if count and not 1 <= sizes.min() <= sizes.max() <= LONGEST:
            raise self.damaged("an integer of no length")
        first = self.position
        chunk = self.take(int(starts[-1] + 1 + sizes[-1]) - first if count else 0) + bytes(LONGEST)
        # What eight bytes from each place on would mean, without those that belong to the next integer.
        eights = np.ndarray(len(chunk) - LONGEST + 1, dtype="<u8", buffer=chunk, strides=(1,))
        kept = np.uint64(2**64 - 1) >> (64 - 8 * sizes.astype(np.uint64))
        values: Integers = (eights[starts - first + 1] & kept).astype(np.int64)
        return np.where(control & NEGATIVE, -values, values)

    def _starts(self, count: int) -> Integers:
        """Where the next integers start; each tells where its neighbour does."""
        if not 0 <= count <= (len(self.bytes) - self.position) // 2:
            raise self.damaged(f"{count:,} integers expected, {len(self.bytes) - self.position:,} bytes are left")
        data, position = np.frombuffer(self.bytes, dtype=np.uint8), self.position
        starts = np.empty(0, dtype=np.int64)
        while len(starts) < count:
            left = count - len(starts)
            sizes = 1 + (data[position : position + min(WINDOW, left * (1 + LENGTH))] & LENGTH)
            if not len(sizes):
                raise self.damaged(f"integer {len(starts):,} of {count:,} is missing")
            chain = _chain(sizes)[:left]
            starts = np.concatenate([starts, position + chain])
            position += int(chain[-1] + sizes[chain[-1]])
        return starts

    def floats(self, count: int) -> Floats:
        """The next `count` floats (count,)."""
        return self.to_floats(self.integers(2 * count).reshape(count, 2))

    def to_floats(self, pairs: Integers) -> Floats:
        """Mantissas and exponents (..., 2) as floats (...)."""
        if (np.abs(pairs[..., 1]) >= NO_NUMBER).any():
            raise self.damaged("a number that is not finite")
        return np.ldexp(pairs[..., 0].astype(np.float64), pairs[..., 1].astype(np.int32)).astype(np.float32)

    def text(self) -> str:
        """One string."""
        raw = self.take(self.integer())
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError:
            raise self.damaged("a name that is not text") from None

    def matrix(self) -> Floats:
        """One matrix (rows, columns); dlib marks its sizes by a minus sign."""
        rows, columns = -self.integer(), -self.integer()
        if rows < 0 or columns < 0:
            raise self.damaged("a matrix of negative size")
        return self.floats(rows * columns).reshape(rows, columns)

    def tensor(self) -> Floats:
        """One tensor of four dimensions (samples, channels, rows, columns)."""
        self.expect(2, "version of a tensor")
        shape = [self.integer() for _ in range(4)]
        if min(shape) < 0:
            raise self.damaged("a tensor of negative size")
        raw = self.take(4 * shape[0] * shape[1] * shape[2] * shape[3])
        return np.frombuffer(raw, dtype="<f4").reshape(shape)

    def expect(self, value: int, what: str) -> None:
        """Read an integer that must have a value.

        Raises:
            TwinnetError: If it has another.
        """
        found = self.integer()
        if found != value:
            raise self.damaged(f"{what}: {found} found, {value} expected")

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            TwinnetError: If something is.
        """
        if self.position != len(self.bytes):
            raise self.damaged(f"{len(self.bytes) - self.position:,} bytes too many")


def _chain(sizes: npt.NDArray[Any]) -> Integers:
    """The places 0, sizes[0], sizes[0] + sizes[sizes[0]] and so on in an array, without a step of Python for each."""
    end = len(sizes)
    following = np.append(np.minimum(np.arange(end) + sizes, end), end)
    far = following
    for _ in range(DOUBLINGS):
        far = far[far]
    leaps = [0]
    while leaps[-1] < end:
        leaps.append(int(far[leaps[-1]]))
    columns = [np.array(leaps[:-1], dtype=np.int64)]
    for _ in range(2**DOUBLINGS - 1):
        columns.append(following[columns[-1]])
    places: Integers = np.stack(columns, axis=1).ravel()
    return places[places < end]
