"""Backbones: batch in, features out."""

from twinnet.backbones.base import Backbone

__all__ = ["Backbone"]
