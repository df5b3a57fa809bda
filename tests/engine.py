"""Cases of the oracle, run by the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Signal, Tape
from tests.reference import Case, Floats, Run


def signal(data: Any, vocabulary: int | None) -> Signal | None:
    """`[T][B]` of tokens, numbers or vectors as the engine takes it."""
    if data is None:
        return None
    missing = np.array([[v is None for v in row] for row in data])
    filler = next((v for row in data for v in row if v is not None), 0)
    full = np.array([[(np.zeros_like(filler) if v is None else v) for v in row] for row in data])
    if vocabulary is not None:
        one_hot = np.eye(vocabulary)[full.astype(int)]
        one_hot[missing] = 0.0
        return Signal(one_hot, (vocabulary,), full.astype(np.int64), missing)
    values = full.astype(np.float64)
    if values.ndim == 2:
        whole = np.issubdtype(full.dtype, np.integer) and full.min() >= 0
        return Signal(values[..., None], (), full.astype(np.int64) if whole else None, missing)
    return Signal(values, values.shape[2:], None, missing)


def plan_of(case: Case) -> Plan:
    x, y = signal(case.x, case.x_vocabulary), signal(case.y, case.y_vocabulary)
    program = compile_equations(
        case.equations,
        {name: value.shape for name, value in case.parameters.items()},
        x=None if x is None else x.shape,
        y=None if y is None else y.shape,
        initial=initial_shapes(case),
    )
    return make_plan(program)


def initial_shapes(case: Case) -> dict[str, tuple[int, ...]]:
    """The shapes of the states that the case gives values, as the session would find them."""
    found: dict[str, tuple[int, ...]] = {}
    values = {name.partition("[")[0]: value for name, value in case.initial.items()}
    shapes = Run(case, 0).shapes
    for name in values:
        found[name] = tuple(shapes[name] or ())
    return found


def states(case: Case, plan: Plan) -> dict[str, Floats]:
    """`[d, B, n]` per state, oldest first."""
    program, result = plan.program, {}
    for name in program.states:
        depth = program.delays.get(name) or program.leads[name]
        n = program.shapes[name][0] if program.shapes[name] else 1
        state = np.zeros((depth, case.B, n))
        for back in range(depth):
            value = case.initial.get(f"{name}[-{back}]" if back else name)
            if value is not None:
                # a list per sequence has one axis more than the state
                value = np.asarray(value, dtype=float)
                state[depth - 1 - back] = value.reshape(-1, n) if value.size > 1 or n == 1 else value
        result[name] = state
    return result


def run(case: Case) -> Tape:
    """The forward pass of a case and, where it has a loss, the way back."""
    plan = plan_of(case)
    tape = forward(
        plan,
        case.parameters,
        signal(case.x, case.x_vocabulary),
        signal(case.y, case.y_vocabulary),
        T=case.T,
        B=case.B,
        initial=states(case, plan),
        start=case.first - 1,
    )
    if "loss" in plan.program.equations:
        backward(tape, weights(case, tape))
    return tape


def weights(case: Case, tape: Tape) -> Floats:
    """The case's weights, 0 where a target is missing."""
    given = np.ones((case.T, case.B)) if case.weights is None else np.asarray(case.weights, dtype=float)
    return given if tape.missing is None else np.where(tape.missing, 0.0, given)
