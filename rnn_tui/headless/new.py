"""`rnn-tui new`: a session from a cell and data of one's own.

The text of the cell is copied from rnn_engine/cells, what hangs off it from rnn_engine/heads, so a new
cell is a new text file there. Its parameters are named as is usual, and their shapes follow from the names:

    W_xh  [H, n]   from the input x to h         W_hh   [H, H]     from the state h to h
    W_ph  [H, V]   from the output p to h        W_hxi  [H, H+n]   from concat(h, x) to i
    W_hy  [V, H]   from h to the output          b_h    [H]        b_y  [V]
    w_ci  [H]      from c to i, each unit its own

What they start from is made in rnn_engine/initialise.py and stands in the file as values.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from typing import Literal

from rnn_engine import replay as replays
from rnn_engine import texts
from rnn_engine.core.equations import compile_equations
from rnn_engine.core.operation import Array
from rnn_engine.errors import EngineError
from rnn_engine.initialise import first_values
from rnn_engine.replay import Clip, Generation, Optimizer, Replay, Training, Value
from rnn_engine.session import Session
from rnn_tui.export.files import target_of
from rnn_tui.headless.own_data import OwnData, own_json, own_table, own_text

LEARNING_RATE, LIMIT, ITERATIONS, WINDOW = 0.1, 5.0, 100, 25
PARAMETER = re.compile(r"\b[Wwb]_\w+")
MAX_HIDDEN, MAX_WEIGHTS = 4096, 1_000_000

USUAL = "orthogonal"
"""How a cell starts unless it is named below: recurrent matrices keep the length of what they multiply."""
FIRST: Mapping[str, str] = {
    "rnn-relu": "identity",  # as its paper has it
    "output-feedback": "xavier",  # none of its matrices leads from a state to itself
}


def new(
    *,
    cell: str,
    hidden: int,
    text: str | None,
    csv: str | None,
    json: str | None,
    level: Literal["characters", "words"],
    output: str,
    seed: int,
    init: str | None,
    forget_bias: float | None,
    dtype: Literal["float64", "float32"],
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
    if forget_bias is not None:
        check_forget_bias(cell, forget_bias)
    target = target_of(output, replace=force)
    own = (
        own_text(text, level)
        if text is not None
        else own_table(csv)
        if csv is not None
        else own_json(json or "")
    )
    replay = build(cell, hidden, own, seed, init, forget_bias, dtype)
    try:
        Session(replays.loads(replays.dumps(replay)))  # what cannot be opened is not written
    except EngineError as error:
        raise EngineError(f"{text or csv or json}: {error}") from None
    replays.save(target, replay)
    print(f"wrote {output}; `rnn-tui {output}` opens it", file=sys.stderr)
    return 0


def check_forget_bias(cell: str, value: float) -> None:
    """Only an LSTM has a gate f that keeps the cell state. Raises `EngineError`."""
    able = [name for name in texts.names("cells") if name.startswith("lstm")]
    if cell not in able:
        raise EngineError(f"--forget-bias: {cell} has no forget gate; expected {', '.join(able)}")
    if not math.isfinite(value):
        raise EngineError(f"--forget-bias {value}: expected a finite number")


def equations(cell: str, head: str) -> tuple[str, ...]:
    """The equations of a cell and its head, without comments."""
    return texts.equations("cells", cell) + texts.equations("heads", head)


def shapes(
    text: tuple[str, ...], n: int, hidden: int, outputs: int | None = None
) -> dict[str, tuple[int, ...]]:
    """The shapes of all parameters, in order of appearance, from their names; `outputs` is n unless given."""
    found: dict[str, tuple[int, ...]] = {}
    outputs = n if outputs is None else outputs
    columns_of = {"x": n, "p": outputs}
    for name in PARAMETER.findall("\n".join(text)):
        kind, ends = name.split("_", 1)
        rows = outputs if ends.endswith("y") else hidden
        columns = hidden + n if ends.startswith("hx") else columns_of.get(ends[0], hidden)
        found[name] = (rows, columns) if kind == "W" else (rows,)
    return found


def build(
    cell: str,
    hidden: int,
    own: OwnData,
    seed: int,
    init: str | None = None,
    forget_bias: float | None = None,
    dtype: Literal["float64", "float32"] = "float64",
) -> Replay:
    """The session as a replay: SGD, gradients clipped by value, windows where the data are long.

    `init` is a name of `rnn_engine.initialise.RULES`, that of the cell unless given.
    """
    text = equations(cell, own.head)
    sizes = shapes(text, own.inputs, hidden, own.outputs)
    total = sum(map(math.prod, sizes.values()))
    if total > MAX_WEIGHTS:  # before they are drawn
        raise EngineError(f"--hidden {hidden}: {total:,} weights; expected at most {MAX_WEIGHTS:,}")
    program = compile_equations(text, sizes, x=(own.inputs,), y=(own.outputs,))
    how = init or FIRST.get(cell, USUAL)
    try:
        values = first_values(program, how, seed)
    except EngineError as error:
        raise EngineError(f"--init {how}, --cell {cell}: {error}") from None
    if forget_bias is not None:
        values["b_f"] += forget_bias
    return Replay(
        title=f"{cell.upper()} with {hidden} hidden units",
        dtype=dtype,
        equations=text,
        data=own.data,
        parameters={name: as_value(values[name]) for name in sizes},
        training=Training(
            optimizer=Optimizer(name="sgd", constants={"learning_rate": LEARNING_RATE}),
            window=WINDOW if own.T > WINDOW else None,
            clip=Clip(kind="value", limit=LIMIT),
            iterations=ITERATIONS,
        ),
        generation=None if own.prompt is None else Generation(prompt=own.prompt, length=min(own.T, WINDOW)),
    )


def as_value(array: Array) -> Value:
    """A vector or a matrix as a replay has it."""
    return tuple(tuple(row) if isinstance(row, list) else row for row in array.tolist())
