"""Which format a file gets, what it may be called, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rnn_engine.errors import EngineError
from rnn_engine.replay import replaceable, write_whole
from rnn_tui.export.formats import FORMATS


def format_of(file: str, asked: str | None = None) -> str:
    """One of `FORMATS`: what is asked for, else what the file's suffix says. Raises `EngineError`."""
    found = asked or Path(file).suffix.lower().removeprefix(".")
    if found in FORMATS:
        return found
    expected = f"expected {', '.join(f'.{each}' for each in FORMATS)}"
    if file == "-":
        raise EngineError(
            f"the output has no suffix to tell its format by; --format says it: {', '.join(FORMATS)}"
        )
    raise EngineError(
        f"{file}: {f'{found!r} is no format' if found else 'no suffix to tell the format by'}; {expected}"
    )


def suggested(session: str, address: str, suffix: str = "svg") -> str:
    """A file name for a step: `hello-1-backward-3-h.svg`; letters, digits and `-_` only, whatever the names hold."""
    stem = re.sub(r"[^\w-]+", "-", f"{session}-{address}").strip("-")
    return f"{stem[:100]}.{suffix}"


def target_of(file: str, *, replace: bool) -> Path:
    """Where a file is to be. Raises `EngineError`, also where it is there already and may not be replaced."""
    try:
        target = Path(file).expanduser()
    except RuntimeError as error:  # a home that nobody has
        raise EngineError(f"{file}: cannot be written: {error}") from None
    if replaceable(target) and not replace:
        raise Exists(f"{file}: is there already; --force replaces it")
    return target


def write(file: str, pieces: Iterable[bytes], *, replace: bool) -> None:
    """Write a file whole or not at all. Raises `EngineError`, also where it is there and may not be replaced."""
    write_whole(target_of(file, replace=replace), pieces)


class Exists(EngineError):
    """There is such a file already."""
