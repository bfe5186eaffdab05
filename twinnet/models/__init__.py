"""Named models, and loading a network by name or path."""

from twinnet.models.catalogue import Model, catalogue
from twinnet.models.loading import load

__all__ = ["Model", "catalogue", "load"]
