"""The panes, by their names. Who arranges them need not load what they show."""

from __future__ import annotations

PANES = ("inputs", "weights", "hidden", "output", "gradients")
