"""One window, computed whole: the forward pass into a tape, and the backward pass through it.

A pass is bound before it runs: every operation becomes its NumPy calls with their views into the
workspace, and a pass is a walk down a flat list of calls. The same list is walked whether anybody
looks or not, which is why a number is the same bit for bit however one came to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.calls import run
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.core.way_back import bind_backward
from rnn_engine.core.way_forward import bind_forward
from rnn_engine.core.workspace import Form, Workspace


def forward(
    plan: Plan,
    parameters: Mapping[str, Array],
    x: Signal | None,
    y: Signal | None,
    *,
    T: int,
    B: int,
    initial: Mapping[str, Array] | None = None,
    start: int = 0,
    padding: NDArray[np.bool_] | None = None,
    overrides: Mapping[str, tuple[NDArray[np.bool_], Array]] | None = None,
    dtype: str = "float64",
) -> Tape:
    """Compute a window of T time steps.

    `parameters` by name, `[]`, `[n]` or `[m, n]`; `x` and `y` of this window; `initial` `[d, B, n]`
    per state, oldest first, zeros where absent. Overflow and the like give inf and nan, never a warning.

    `padding` `[T, B]`: where a sequence is over. Its states stay as they are, or are what they are behind the last time
    step of a sequence that is alone (`Program.staying`); nothing flows back from there.
    `overrides`: by equation, which elements are set by hand and to what, both `[T, B, n]`; all that comes
    after follows, also within the time step, and no gradient passes them. A plan for an overridden softmax
    is one made with `overridden`.
    """
    gaps = y is not None and y.missing is not None and bool(y.missing.any())
    form = Form(
        T=T,
        B=B,
        tokens=x is not None and x.classes is not None and x.shape != (),
        classes=y is not None and y.classes is not None and not gaps,
        gaps=gaps,
        padded=padding is not None and bool(padding.any()),
        overridden=frozenset(overrides or ()),
        dtype=dtype,
    )
    try:  # another thread may take the last one
        workspace = plan.spare[form].pop()
    except (KeyError, IndexError):
        workspace = Workspace(plan, form)
        bind_forward(workspace)
    _fill(workspace, parameters, x, y, initial or {}, start)
    if padding is not None:
        workspace.end_sequences(padding)
    for name, (mask, values) in (overrides or {}).items():
        workspace.overrides[name][0][...] = mask
        workspace.overrides[name][1][...] = values
    run(workspace.forward)
    return Tape(workspace, x, y, start, padding)


def backward(tape: Tape, weights: NDArray[np.float64]) -> None:
    """Compute the gradients of Σ weights · loss into the tape; `weights` is `[T, B]`, 0 where a loss is missing."""
    backward_to_values(tape, {"loss": weights[..., None]})
    run(tape.back.parameter_calls)


def backward_to_values(tape: Tape, seeds: Mapping[str, Array]) -> None:
    """The way back from anywhere, to the values alone: no parameter's gradient.

    `seeds` are gradients `[T, B, n]` that arrive at equations from outside. Where these are others than the
    loss, the plan must be one made toward them.
    """
    names, workspace = frozenset(seeds), tape.workspace
    if names not in workspace.ways_back:
        workspace.ways_back[names] = bind_backward(workspace, names)
    tape.way_back = workspace.ways_back[names]
    for name, seed in seeds.items():
        tape.way_back.seeds[name][...] = seed
    run(tape.way_back.calls)


def _fill(
    space: Workspace,
    parameters: Mapping[str, Array],
    x: Signal | None,
    y: Signal | None,
    initial: Mapping[str, Array],
    start: int,
) -> None:
    """Copy in what a pass starts from."""
    for name, array in space.parameters.items():
        array[...] = parameters[name]
    for name in space.plan.program.states:
        space.outside(name, space.slots[name])[...] = initial.get(name, 0.0)
    if x is not None and x.classes is not None and space.form.tokens:
        space.tokens[..., 0] = x.classes
    if y is not None and y.classes is not None:
        space.classes[..., 0] = y.classes
    if y is not None and y.missing is not None:
        space.gaps[..., 0] = y.missing
    for kind, array in space.data.items():
        if kind == "index":
            array[...] = np.arange(start + 1.0, start + space.T + 1.0)[:, None, None]
        elif kind == "class":
            array[...] = 0.0
            rows = array.reshape(space.T * space.B, -1)
            rows[np.arange(len(rows)), space.classes.ravel()] = 1.0
            array[space.gaps[..., 0]] = 0.0
        else:
            signal = x if kind == "x" else y
            if signal is None:
                raise ValueError(f"{kind} is read, but not given")
            array[...] = signal.values
