"""How a tower is computed: in which precision, and by which library."""

from twinnet.acceleration.precision import PRECISIONS, Engine, multiplies_bfloat16, running
from twinnet.acceleration.ranges import ActivationRanges

__all__ = ["PRECISIONS", "ActivationRanges", "Engine", "multiplies_bfloat16", "running"]
