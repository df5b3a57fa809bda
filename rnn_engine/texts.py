"""The equation texts that come with the engine: cells and optimisers, one file each."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
"""Beside this file; importlib.resources would bring a megabyte of modules for as much."""


def names(kind: str) -> tuple[str, ...]:
    """The texts of a kind: `cells` or `optimizers`."""
    return tuple(sorted(file.stem for file in (HERE / kind).glob("*.txt")))


def lines(kind: str, name: str) -> tuple[str, ...]:
    """The lines of one text, comments included."""
    return tuple((HERE / kind / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def equations(kind: str, name: str) -> tuple[str, ...]:
    """The equations of one text, without comments and empty lines."""
    return tuple(line for line in lines(kind, name) if line.strip() and not line.lstrip().startswith("#"))
