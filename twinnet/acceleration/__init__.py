"""How a tower is computed: in which precision, and by which library."""

from twinnet.acceleration.int8 import ActivationRanges
from twinnet.acceleration.precision import PRECISIONS, Engine, multiplies_bfloat16, running

__all__ = ["PRECISIONS", "ActivationRanges", "Engine", "multiplies_bfloat16", "running"]
