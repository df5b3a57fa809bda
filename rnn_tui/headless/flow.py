"""`rnn-tui flow` and `rnn-tui horizon`: where the gradient goes, and after how many steps it is gone."""

from __future__ import annotations

import json
import math
import sys

from rnn_engine.errors import EngineError
from rnn_engine.flow import Flow, Hop, horizons, itemise, steps_of
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import plain_array, plain_number
from rnn_engine.training import Iteration
from rnn_tui.lessons import find
from rnn_tui.text import safe_text
from rnn_tui.words import horizon_line, silent_words, unknown_words

FINE, SHORT = 0, 1


def show_flow(session: str, number: int, sequence: int, *, as_json: bool) -> int:
    """Print what the loss of every time step sends to the states of every other one."""
    iteration = opened(session, number, sequence)
    flow = flow_of(iteration, sequence)
    if as_json:
        print(json.dumps(as_object(flow), allow_nan=False))
        return FINE
    states = flow.states[0] if len(flow.states) == 1 else f"({', '.join(flow.states)})"
    times = [str(flow.start + k + 1) for k in range(flow.T)]
    sys.stdout.write(
        f"‖∂loss[t]/∂{states}[k]‖, iteration {iteration.number}: a row per loss t, a column per k\n"
    )
    sys.stdout.write("     t " + "".join(f"{k:>10}" for k in times) + "\n")
    for i, row in enumerate(flow.map):
        cells = "".join(f"{value:10.3g}" for value in row[flow.reach(i)])
        sys.stdout.write(f"{times[i]:>6} {cells}\n")
    how = f"within {flow.remainder:.0e}" if flow.remainder else "to the last bit"
    sums = f"are the gradients shown, {how}"
    if not math.isfinite(flow.remainder):
        sums = f"are no number: {safe_text(unknown_words(flow.unknown))}"
    sys.stdout.write(f"added up they {sums}\n")
    if not flow.sending:
        sys.stdout.write(f"{silent_words(flow, 'another --iteration')}\n")
    return FINE


def show_horizon(session: str, number: int, sequence: int, at_least: int | None) -> int:
    """Print the memory horizon in a line, one for each way through time.

    1 where one is below `at_least` steps, or where the window cannot show that it is not.
    """
    if at_least is not None and at_least < 1:
        raise EngineError(f"--at-least {at_least}: expected 1 or more steps")
    iteration = opened(session, number, sequence)
    found = horizons(iteration, sequence)
    if not found:
        raise EngineError("no state is read from another time step, so nothing is remembered")
    flow = itemise(iteration, sequence) if "loss" in iteration.run.plan.program.equations else None
    for one in found:
        print(safe_text(horizon_line(one, flow, at_least)))
    return FINE if at_least is None or all(one.lasts(at_least) for one in found) else SHORT


def opened(session: str, number: int, sequence: int) -> Iteration:
    """One iteration of a session that has such a sequence (from 0)."""
    found = Session.load(find(session))
    if not 1 <= number <= found.schedule.iterations:
        raise EngineError(f"--iteration {number}: expected 1 to {found.schedule.iterations}")
    iteration = Timeline(found.run).iteration(number)
    if not 0 <= sequence < iteration.tape.B:
        raise EngineError(f"--sequence {sequence + 1}: expected 1 to {iteration.tape.B}")
    if not steps_of(iteration.tape, sequence):
        start = iteration.window.start + 1
        raise EngineError(f"--sequence {sequence + 1} is over before the window begins, at t={start}")
    return iteration


def flow_of(iteration: Iteration, sequence: int) -> Flow:
    if "loss" not in iteration.run.plan.program.equations:
        raise EngineError("there is no loss, so no gradient flows")
    flow = itemise(iteration, sequence)
    if flow is None:
        raise EngineError("no state lies on the way to the loss, so nothing flows through time")
    return flow


def as_object(flow: Flow) -> dict[str, object]:
    """The itemised gradient as plain JSON values, and the hops of the last loss; where they go on, of the first."""
    losses = list(flow.sending[-1:])
    if len(flow.sending) > 1 and any(offset > 0 for offset in flow.offsets):
        losses.append(flow.sending[0])
    return {
        "states": list(flow.states),
        "t": [flow.start + k + 1 for k in range(flow.T)],
        "norms": plain_array(flow.map),
        "items": {state: plain_array(items) for state, items in flow.items.items()},
        "remainder": plain_number(flow.remainder),
        "hops": [_hop(flow.start + loss + 1, hop) for loss in losses for hop in flow.hops(loss)],
    }


def _hop(loss: int, hop: Hop) -> dict[str, object]:
    """A hop of the loss of one time step. What is not defined is null: a factor of what passed no state of `t`."""

    def known(value: float | None) -> object:
        return None if value is None else plain_number(value)

    return {
        "loss": loss,
        "t": hop.t,
        "to": hop.to,
        "before": None if hop.straight else plain_number(hop.before),
        "after": plain_number(hop.after),
        "factor": known(hop.factor),
        "nonlinearity": known(hop.nonlinearity),
        "weights": known(hop.weights),
        "routes": [
            {
                "state": route.state,
                "equation": route.equation,
                "through": route.through,
                "norm": plain_number(route.norm),
                "factor": known(route.factor),
            }
            for route in hop.routes
        ],
    }
