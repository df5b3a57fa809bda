"""The equation texts that come with the engine: cells and optimisers, one file each."""

from __future__ import annotations

from importlib.resources import files


def names(kind: str) -> tuple[str, ...]:
    """The texts of a kind: `cells` or `optimizers`."""
    return tuple(
        sorted(
            f.name.removesuffix(".txt")
            for f in files(__package__).joinpath(kind).iterdir()
            if f.name.endswith(".txt")
        )
    )


def lines(kind: str, name: str) -> tuple[str, ...]:
    """The lines of one text, comments included."""
    return tuple(files(__package__).joinpath(kind, f"{name}.txt").read_text(encoding="utf-8").splitlines())


def equations(kind: str, name: str) -> tuple[str, ...]:
    """The equations of one text, without comments and empty lines."""
    return tuple(line for line in lines(kind, name) if line.strip() and not line.lstrip().startswith("#"))
