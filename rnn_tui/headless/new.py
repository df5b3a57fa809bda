"""`rnn-tui new`: a session from a cell and data of one's own.

The text of the cell is copied from rnn_engine/cells, what hangs off it from rnn_engine/heads, so a new
cell is a new text file there. Its parameters are named as is usual, and their shapes follow from the names:

    W_xh  [H, n]   from the input x to h         W_hh   [H, H]     from the state h to h
    W_ph  [H, n]   from the output p to h        W_hxi  [H, H+n]   from concat(h, x) to i
    W_hy  [V, H]   from h to the output          b_h    [H]        b_y  [V]
    w_ci  [H]      from c to i, each unit its own
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rnn_engine import replay as replays
from rnn_engine import texts
from rnn_engine.data import csv_data, text_data
from rnn_engine.errors import EngineError
from rnn_engine.replay import Clip, Data, Generation, Optimizer, Replay, Training, Value, read_text, split
from rnn_engine.session import Session

SCALE = 0.1
"""Standard deviation of the first weights: tanh starts where it is nearly linear. Biases start at 0."""
DIGITS = 6
"""Decimals kept of them, so that the file can be read."""
LEARNING_RATE, LIMIT, ITERATIONS, WINDOW = 0.1, 5.0, 100, 25
PARAMETER = re.compile(r"\b[Wwb]_\w+")
MAX_HIDDEN, MAX_WEIGHTS = 4096, 1_000_000


@dataclass(frozen=True, slots=True)
class OwnData:
    """What a session is made of, from one file."""

    data: Data
    head: str
    """The text in rnn_engine/heads that fits the targets."""
    width: int
    """Elements of x and of the target at one time step."""
    T: int
    """Time steps: one fewer than there are tokens or rows, since each predicts the next."""
    prompt: str | None
    """The first token, to generate from; vectors are not generated."""


def own_text(path: str, level: Literal["characters", "words"]) -> OwnData:
    """A text as characters or words; the vocabulary is all that occur, by code point."""
    text = read_text(Path(path))
    tokens = split(text, level)
    return OwnData(
        text_data(text, level, path),
        "tokens",
        len(set(tokens)),
        len(tokens) - 1,
        tokens[0] if tokens else None,
    )


def own_table(path: str) -> OwnData:
    """A table of numbers, a line per time step; the target of each is the next one."""
    data = csv_data(read_text(Path(path)), path)
    rows = data.targets or ()
    width = len(rows[0]) if isinstance(rows[0], tuple) else 1
    return OwnData(data, "vectors", width, len(rows), None)


def new(
    *,
    cell: str,
    hidden: int,
    text: str | None,
    csv: str | None,
    level: Literal["characters", "words"],
    output: str,
    seed: int,
    force: bool,
) -> int:
    """Write the session and say on stderr what to do with it."""
    known = texts.names("cells")
    if cell not in known:
        raise EngineError(f"--cell {cell}: no such cell; expected {', '.join(known)}")
    if not 1 <= hidden <= MAX_HIDDEN:
        raise EngineError(f"--hidden {hidden}: expected 1 to {MAX_HIDDEN}")
    if seed < 0:
        raise EngineError(f"--seed {seed}: expected 0 or more")
    target = Path(output)
    if not force and target.exists():
        raise EngineError(f"{output}: is there already; --force replaces it")
    own = own_text(text, level) if text is not None else own_table(csv or "")
    replay = build(cell, hidden, own, seed)
    try:
        Session(replays.loads(replays.dumps(replay)))  # what cannot be opened is not written
    except EngineError as error:
        raise EngineError(f"{text or csv}: {error}") from None
    replays.save(target, replay)
    print(f"wrote {output}; `rnn-tui {output}` opens it", file=sys.stderr)
    return 0


def equations(cell: str, head: str) -> tuple[str, ...]:
    """The equations of a cell and its head, without comments."""
    return texts.equations("cells", cell) + texts.equations("heads", head)


def shapes(text: tuple[str, ...], n: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """The shapes of all parameters, in order of appearance, from their names."""
    found: dict[str, tuple[int, ...]] = {}
    for name in PARAMETER.findall("\n".join(text)):
        kind, ends = name.split("_", 1)
        rows = n if ends.endswith("y") else hidden
        columns = hidden + n if ends.startswith("hx") else n if ends[0] in "xp" else hidden
        found[name] = (rows, columns) if kind == "W" else (rows,)
    return found


def first_value(shape: tuple[int, ...], random: np.random.Generator) -> Value:
    """Zeros for a vector, small random numbers for a matrix."""
    if len(shape) == 1:
        return (0.0,) * shape[0]
    return tuple(map(tuple, random.normal(0.0, SCALE, shape).round(DIGITS).tolist()))


def build(cell: str, hidden: int, own: OwnData, seed: int) -> Replay:
    """The session as a replay: SGD, gradients clipped by value, windows where the data are long."""
    text = equations(cell, own.head)
    sizes = shapes(text, own.width, hidden)
    total = sum(map(math.prod, sizes.values()))
    if total > MAX_WEIGHTS:  # before they are drawn
        raise EngineError(f"--hidden {hidden}: {total:,} weights; expected at most {MAX_WEIGHTS:,}")
    random = np.random.default_rng(seed)
    return Replay(
        title=f"{cell.upper()} with {hidden} hidden units",
        equations=text,
        data=own.data,
        parameters={name: first_value(shape, random) for name, shape in sizes.items()},
        training=Training(
            optimizer=Optimizer(name="sgd", constants={"learning_rate": LEARNING_RATE}),
            window=WINDOW if own.T > WINDOW else None,
            clip=Clip(kind="value", limit=LIMIT),
            iterations=ITERATIONS,
        ),
        generation=None if own.prompt is None else Generation(prompt=own.prompt, length=min(own.T, WINDOW)),
    )
