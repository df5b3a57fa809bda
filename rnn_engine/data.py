"""From the data of a replay to arrays that the engine runs over, and from a text or a CSV to such data.

Shapes: T time steps, B sequences side by side, n elements of a vector, V tokens of a vocabulary. Arrays are
`[T, B, n]`, read-only; a scalar per step is n = 1 with the shape `()`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.tape import Signal
from rnn_engine.errors import DataError, ReplayError
from rnn_engine.precision import rounded
from rnn_engine.replay import Data, Generation, Inputs, Targets, check_data, prompt_level, split

MAX_NUMBERS: Final = 16_000_000
"""Numbers of all inputs and targets together, tokens counted as one-hot: 128 MB."""

Level = Literal["characters", "words"]
Value = float | str | tuple[float, ...] | None
"""One input or target of one sequence at one time step: a number, a token, a vector, null."""
Grid = Sequence[Sequence[Value]]
"""`[T][B]`."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences processed side by side; shorter ones are over before the last time step."""

    T: int
    B: int
    x: Signal | None
    """None: a recurrence without input."""
    y: Signal | None
    lengths: tuple[int, ...] | None = None
    """Of each sequence; None where all are T long."""

    def padding(self, start: int, stop: int) -> NDArray[np.bool_] | None:
        """`[stop − start, B]`: where a sequence is over, in the time steps start + 1 … stop; None where none is."""
        if self.lengths is None:
            return None
        return np.arange(start, stop)[:, None] >= np.array(self.lengths)


@dataclass(frozen=True, eq=False)
class Dataset:
    """All data of a session, ready to run: the batches of one epoch, one after another."""

    vocabulary: tuple[str, ...] | None
    """Tokens as the file has them; None where nothing is a token and none was given."""
    batches: tuple[Batch, ...]
    one_hot_x: bool
    """The inputs are tokens."""
    one_hot_y: bool
    """The targets are tokens."""

    @property
    def x_shape(self) -> tuple[int, ...] | None:
        """The shape of x at one time step, `()` or `(n,)`; None without inputs."""
        x = self.batches[0].x
        return None if x is None else x.shape

    @property
    def y_shape(self) -> tuple[int, ...] | None:
        """The shape of y at one time step, `()` or `(n,)`; None without targets."""
        y = self.batches[0].y
        return None if y is None else y.shape


def dataset(data: Data, dtype: str = "float64") -> Dataset:
    """The arrays of `data`, made of `dtype`.

    Raises ReplayError where its lists are unsound, DataError where they are too large.

    Tokens without a vocabulary get one: the tokens of inputs and targets, sorted by code point. Targets of a
    text are its next tokens. Sequences that follow each other are grouped by `batch`; the last group may be
    smaller.
    """
    check_data(data)
    if data.steps is not None:
        return Dataset(data.vocabulary, (Batch(data.steps, 1, None, None),), False, False)
    grids = _grids(data)
    xs = [x for x, _ in grids if x is not None]
    ys = [y for _, y in grids if y is not None]
    first_x, first_y = _first(xs), _first(ys)
    tokens_x, tokens_y = isinstance(first_x, str), isinstance(first_y, str)
    vocabulary = data.vocabulary
    if vocabulary is None and (tokens_x or tokens_y):
        vocabulary = tuple(sorted({token for token in _values((*xs, *ys)) if isinstance(token, str)}))
    index = {token: number for number, token in enumerate(vocabulary or ())}
    widths = [math.prod(_shape(first, index)) for first in (first_x, first_y)]
    total = sum(
        len(grid) * len(grid[0]) * w for many, w in zip((xs, ys), widths, strict=True) for grid in many
    )
    if total > MAX_NUMBERS:
        raise DataError(
            f"$.data: {total:,} numbers, tokens counted as one-hot; expected at most {MAX_NUMBERS:,}"
        )
    batches = []
    for (grid_x, grid_y), lengths in zip(grids, _lengths(data), strict=True):
        x = None if grid_x is None else _signal(grid_x, first_x, index, dtype, "x")
        y = None if grid_y is None else with_classes(_signal(grid_y, first_y, index, dtype, "y"))
        grid = grid_x or grid_y or ()
        batches.append(Batch(len(grid), len(grid[0]), x, y, lengths))
    return Dataset(vocabulary, tuple(batches), tokens_x, tokens_y)


def prompt_tokens(generation: Generation, data: Data, vocabulary: Sequence[str] | None) -> tuple[int, ...]:
    """The prompt as token indices. A string is split as the data is: characters at that level, else words."""
    prompt = generation.prompt
    tokens = split(prompt, prompt_level(data)) if isinstance(prompt, str) else prompt
    if vocabulary is None:
        raise DataError("$.generation: the data has no tokens, so none can be generated")
    index = {token: number for number, token in enumerate(vocabulary)}
    for place, token in enumerate(tokens):
        if token not in index:
            raise DataError(f"$.generation.prompt: token {place + 1}, {token!a}, is not in the vocabulary")
    return tuple(index[token] for token in tokens)


def text_data(text: str, level: Level = "characters", file: str = "text") -> Data:
    """A text as data: its characters, or its words; each step's target is the next token."""
    found = len(split(text, level))
    if found < 2:
        raise DataError(f"{file}: {found} {level}; expected two or more, each to predict the next")
    return _checked(Data(text=text, level=level), file)


def csv_data(text: str, file: str = "CSV") -> Data:
    """The rows of a CSV text as vectors; each row's target is the next row.

    A first row in which no field is a number is a header. DataError names file, line and column (field) of
    a row of another length, of a field that is no finite number.
    """
    import csv  # only here: a session that is opened has its data read already

    rows: list[tuple[float, ...]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if not rows and reader.line_num == 1 and not any(_is_number(field) for field in fields):
                continue
            if rows and len(fields) != len(rows[0]):
                raise DataError(
                    f"{file}: line {reader.line_num}: {len(fields)} columns; expected {len(rows[0])} as in the first"
                )
            line = f"{file}: line {reader.line_num}"
            rows.append(tuple(_field(f, f"{line}, column {n}") for n, f in enumerate(fields, 1)))
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num}: {error}") from None
    if len(rows) < 2:
        raise DataError(
            f"{file}: {len(rows)} lines of numbers; expected two or more, each to predict the next"
        )
    return _checked(Data(inputs=tuple(rows[:-1]), targets=tuple(rows[1:])), file)


def _checked(data: Data, file: str) -> Data:
    try:
        check_data(data)
    except ReplayError as error:
        raise DataError(f"{file}: {error.what}") from None
    return data


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # Python's digit grouping is no CSV's


def _field(field: str, place: str) -> float:
    value = float(field) if _is_number(field) else math.nan
    if not math.isfinite(value):
        raise DataError(f"{place}: {field[:40]!a}; expected a finite number")
    return value


def _grids(data: Data) -> list[tuple[Grid | None, Grid | None]]:
    """Inputs and targets of each batch, `[T][B]`."""
    if data.sequences is not None:
        side = data.batch or 1
        groups = [data.sequences[start : start + side] for start in range(0, len(data.sequences), side)]
        return [
            (_side_by_side([pair.inputs for pair in group]), _side_by_side([pair.targets for pair in group]))
            for group in groups
        ]
    if data.text is not None:
        tokens = split(data.text, data.level)
        return [(_side_by_side([tokens[:-1]]), _side_by_side([tokens[1:]]))]
    first = data.inputs[0] if data.inputs else None
    if isinstance(first, tuple) and isinstance(first[0], tuple):  # three deep: the file nests them [T][B]
        nulls = (None,) * len(first)
        targets = None if data.targets is None else [nulls if y is None else y for y in data.targets]
        return [(cast(Grid, data.inputs), cast(Grid | None, targets))]
    return [(_side_by_side([data.inputs]), _side_by_side([data.targets]))]


def _lengths(data: Data) -> list[tuple[int, ...] | None]:
    """Per batch the lengths of its sequences; None where they are equal."""
    if data.sequences is None:
        return [None]
    each = [len(pair.inputs or pair.targets or ()) for pair in data.sequences]
    side = data.batch or 1
    groups = [tuple(each[start : start + side]) for start in range(0, len(each), side)]
    return [group if len(set(group)) > 1 else None for group in groups]


def _side_by_side(many: Sequence[Inputs | Targets | None]) -> Grid | None:
    """Sequences `[B][T]` as `[T][B]`; the shorter ones are filled up with nothing."""
    given = [series for series in many if series is not None]
    return cast(Grid, list(zip_longest(*given))) if given else None


def _values(grids: Iterable[Grid]) -> Iterator[Value]:
    return (value for grid in grids for row in grid for value in row)


def _first(grids: Iterable[Grid]) -> Value:
    """The first value that is not null; it stands for the kind and the shape of all."""
    return next((value for value in _values(grids) if value is not None), None)


def _shape(first: Value, index: Mapping[str, int]) -> tuple[int, ...]:
    if isinstance(first, str):
        return (len(index),)
    return (len(first),) if isinstance(first, tuple) else ()


def _signal(grid: Grid, first: Value, index: Mapping[str, int], dtype: str, name: str) -> Signal:
    """One batch of inputs or targets, all of the kind of `first`, as read-only arrays."""
    shape = _shape(first, index)
    missing = np.array([[value is None for value in row] for row in grid])
    classes: NDArray[np.int64] | None = None
    if isinstance(first, str):
        classes = np.array([[index[v] if isinstance(v, str) else 0 for v in row] for row in grid], np.int64)
        values = np.zeros((*classes.shape, len(index)), dtype)
        np.put_along_axis(values, classes[..., None], ~missing[..., None], -1)
    else:
        nothing: Value = (0.0,) * len(first) if isinstance(first, tuple) else 0.0
        filled = [[nothing if value is None else value for value in row] for row in grid]
        values = rounded(np.array(filled, np.float64), dtype, f"$.data: {name}", over_time=True)
        values = values.reshape(*missing.shape, -1)
    for array in (values, missing, classes):
        if array is not None:
            array.setflags(write=False)
    return Signal(values, shape, classes, missing if missing.any() else None)


def with_classes(y: Signal) -> Signal:
    """Whole numbers from 0 may be classes: whether they are, the loss that reads them knows."""
    if y.classes is not None or y.shape or not ((y.values >= 0) & (y.values < 2**31)).all():
        return y
    classes = y.values[..., 0].astype(np.int64)
    if not np.array_equal(classes, y.values[..., 0]):
        return y
    classes.setflags(write=False)
    return replace(y, classes=classes)
