"""Data of one's own for `rnn-tui new`: a text, a table, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rnn_engine import replay as replays
from rnn_engine.data import csv_data, dataset, text_data
from rnn_engine.errors import EngineError, ReplayError
from rnn_engine.replay import Data, read_text, replaced


class OwnData(NamedTuple):
    """What a session is made of, from one file."""

    data: Data
    head: str
    """The text in rnn_engine/heads that fits the targets."""
    inputs: int
    """Elements of x at one time step."""
    outputs: int
    """Elements of the target, or how many tokens it may be."""
    T: int
    """Time steps of the longest sequence."""
    prompt: str | tuple[str, ...] | None
    """The first token, to generate from; vectors are not generated."""


def own_text(path: str, level: Literal["characters", "words"]) -> OwnData:
    """A text as characters or words; the vocabulary is all that occur, by code point; each predicts the next."""
    return described(text_data(read_text(Path(path)), level, path), path)


def own_table(path: str) -> OwnData:
    """A table of numbers, a line per time step; the target of each is the next one."""
    return described(csv_data(read_text(Path(path)), path), path)


def own_json(path: str) -> OwnData:
    """A list of tokens, numbers or vectors, each of which predicts the next; or an object as a replay's `data`."""
    return described(as_vectors(replays.load_data(path)), path)


def described(data: Data, path: str) -> OwnData:
    """Data of a file with what a cell and its head must know of them. Raises `EngineError`."""
    try:
        found = dataset(data)
    except EngineError as error:
        raise EngineError(f"{path}: {error}") from None
    first = found.batches[0]
    if first.x is None or first.y is None:
        raise ReplayError("a cell needs inputs and targets; expected both, or a list", "$", path)
    prompt: str | tuple[str, ...] | None = None
    if found.one_hot_x and found.one_hot_y and found.vocabulary is not None and first.x.classes is not None:
        token = found.vocabulary[int(first.x.classes[0, 0])]
        prompt = token if data.text is not None else (token,)
    return OwnData(
        data=data,
        head="tokens" if found.one_hot_y else "vectors",
        inputs=first.x.values.shape[-1],
        outputs=first.y.values.shape[-1],
        T=max(batch.T for batch in found.batches),
        prompt=prompt,
    )


def as_vectors(data: Data) -> Data:
    """The same with vectors of one element for numbers: what a matrix is multiplied with."""
    if data.sequences is not None:
        pairs = [
            replaced(pair, inputs=_rows(pair.inputs), targets=_rows(pair.targets)) for pair in data.sequences
        ]
        return replaced(data, sequences=tuple(pairs))
    return replaced(data, inputs=_rows(data.inputs), targets=_rows(data.targets))


def _rows(series: Sequence[Any] | None) -> tuple[Any, ...] | None:
    if series is None:
        return None
    return tuple((item,) if isinstance(item, int | float) else item for item in series)
