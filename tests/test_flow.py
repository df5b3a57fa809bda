"""Where the gradient goes: itemised by loss, hop by hop, and how far back anything is left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from rnn_engine import texts
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.tape import Tape
from rnn_engine.flow import Crossing, Flow, horizon, itemise
from rnn_engine.flow.lanes import norms
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.training import Iteration
from rnn_tui import cli
from tests.build import iterations, lesson, session, sessions
from tests.reference import Floats

SMALL = "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(h, y)"
WEIGHTS = {"w": 0.3, "u": -0.7}
DATA: dict[str, list[Any]] = {"inputs": [0.5, -1.0, 2.0, 1.5], "targets": [0.0, 1.0, 0.5, -1.0]}


def flows(s: Session) -> Iterator[tuple[Iteration, int, Flow | None]]:
    for it in iterations(s):
        for sequence in range(it.tape.B):
            yield it, sequence, itemise(it, sequence)


def one_loss(it: Iteration, place: int, sequence: int) -> Tape:
    """The way back of the loss of one time step and sequence alone, by itself."""
    tape = it.run.iteration(it.before).tape
    weights = it.run.weights(tape)
    only = np.zeros_like(weights)
    only[place, sequence] = weights[place, sequence]
    backward(tape, only)
    return tape


def close(found: Any, expected: Any, scale: float = 1.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * max(scale, 1.0))


# ---------------------------------------------------------------- the itemised gradient


def check_flow(it: Iteration, sequence: int, flow: Flow) -> None:
    tape, program = it.tape, it.run.plan.program
    assert (flow.start, flow.T) == (tape.start, tape.T)
    for state, items in flow.items.items():
        total = tape.gradient(state)[:, sequence]
        scale = float(np.abs(items).sum(axis=0).max(initial=0.0))
        assert np.abs(items.sum(axis=0) - total).max(initial=0.0) <= 1e-12 * scale
        np.testing.assert_array_equal(flow.total[state], total)
    squares = [np.sum(np.square(items), axis=-1) for items in flow.items.values()]
    close(flow.map, np.sqrt(np.sum(squares, axis=0)))
    if not program.leads:
        assert all(not items[np.triu_indices(flow.T, 1)].any() for items in flow.items.values())
    for place in range(flow.T):
        check_lane(one_loss(it, place, sequence), place, sequence, flow)


def check_lane(tape: Tape, place: int, sequence: int, flow: Flow) -> None:
    """What one loss sends, against a way back of its own."""
    sent: dict[tuple[Crossing, int], Floats] = {}
    for state in flow.states:
        close(flow.items[state][place], tape.gradient(state)[:, sequence])
        ways = [c for c in flow.crossings if c.state == state]
        senders = [s for s in tape.plan.senders[state] if s.offset]
        assert [c.offset for c in ways] == [s.offset for s in senders for _ in s.leaves]
        for way, leaf in zip(ways, (leaf for s in senders for leaf in s.leaves), strict=True):
            part = tape.sent_by(state, leaf)[:, sequence]
            for k in np.flatnonzero(way.where).tolist():
                sent[way, k] = part[k + way.offset]
                close(way.sent[place, k], np.linalg.norm(sent[way, k]))
        if state == "loss":
            continue
        # with what its own time step sends, that is all there is
        within = [tape.sent(state, s)[:, sequence] for s in tape.plan.senders[state] if not s.offset]
        for to, total in enumerate(flow.items[state][place]):
            parts = [part for (way, k), part in sent.items() if (way.state, k + way.offset) == (state, to)]
            close(sum((*parts, *(part[to] for part in within)), start=np.zeros_like(total)), total)
    check_hops(place, flow, sent)
    shares = np.sum(list(flow.shares(place).values()), axis=0)
    arrived = np.zeros(flow.T)
    for hop in flow.hops(place):
        arrived[hop.to - 1 - flow.start] += hop.after
    close(shares, (arrived > 0.0).astype(float))
    for k in range(flow.T):
        origins = flow.origins(place, k)
        for state, share in flow.shares(place).items():
            close(sum(origin.share for origin in origins if origin.state == state), share[k])


def check_hops(place: int, flow: Flow, sent: Mapping[tuple[Crossing, int], Floats]) -> None:
    """All that crosses does so in one hop, and no hop has more."""
    seen: list[tuple[Crossing, int]] = []
    before: list[tuple[bool, bool, int]] = []
    for hop in flow.hops(place):
        k = hop.t - 1 - flow.start
        ways = [c for c in flow.crossings if c.offset == hop.offset and c.where[k]]
        ways = [c for c in ways if (c.straight and k == place) == hop.straight]
        ways = [c for c in ways if (c.state, c.equation, c.through) in {
            (r.state, r.equation, r.through) for r in hop.routes}]  # fmt: skip
        seen += [(way, k) for way in ways]
        for route, way in zip(hop.routes, ways, strict=True):
            close(route.norm, way.sent[place, k])
            assert (route.factor is None) == (way.sending[place, k] == 0.0)
            close(route.norm, (route.factor or 0.0) * way.sending[place, k])
        sums: dict[str, Floats] = {}
        for way in ways:
            if (way, k) in sent:
                sums[way.state] = sums.get(way.state, 0.0) + sent[way, k]
        if all((way, k) in sent for way in ways):
            close(hop.after, np.sqrt(sum(np.sum(part**2) for part in sums.values())))
        assert hop.after <= sum(route.norm for route in hop.routes) * (1 + 1e-12)
        assert hop.before <= flow.map[place, k] * (1 + 1e-12)
        assert (hop.factor is None) == (hop.before == 0.0)
        if hop.split and hop.nonlinearity and hop.weights is not None:
            close(hop.factor, hop.nonlinearity * hop.weights)
        later = hop.offset > 0
        before.append((not hop.straight, later, k if later else -k))
    assert before == sorted(before), "as the gradient runs"
    assert len(seen) == len(set(seen))
    assert {key for key, part in sent.items() if part.any()} <= set(seen)


@given(sessions(loss=True, max_T=4))
def test_items_of_any_session(s: Session) -> None:
    for it, sequence, flow in flows(s):
        if flow is None:
            assert not set(s.program.states) & it.run.plan.objective
        else:
            check_flow(it, sequence, flow)


@given(sessions(loss=False))
def test_no_items_without_a_loss(s: Session) -> None:
    assert all(flow is None for _, _, flow in flows(s))


def test_no_items_without_a_state() -> None:
    s = session("h = w * x\nloss = half_squared_error(h, y)", {"w": 1.0}, data=DATA)
    [(it, _, flow)] = flows(s)
    assert flow is None and horizon(it) is None


def test_one_unit_hop_by_hop() -> None:
    [(it, _, flow)] = flows(session(SMALL, WEIGHTS, data=DATA))
    assert flow is not None
    h = it.tape.value("h")[:, 0, 0]
    for place in range(4):
        hops = flow.hops(place)
        assert [hop.t for hop in hops] == list(range(place + 1, 1, -1))
        for hop in hops:
            close([hop.nonlinearity, hop.weights], [1 - h[hop.t - 1] ** 2, 0.7])
            assert [(r.state, r.equation, r.through) for r in hop.routes] == [("h", "h", "u")]
        for k in range(place + 1):
            factors = [hop.factor or 0.0 for hop in hops if hop.t > k + 1]
            close(flow.map[place, k], flow.map[place, place] * np.prod(factors))
        worst = flow.worst(place)
        assert worst is (None if place == 0 else worst)
        if worst is not None:
            assert worst.factor == min(hop.factor or 0.0 for hop in hops)
    assert flow.worst(0) is None


@pytest.mark.parametrize(
    "text",
    [
        "h = W @ x + h[t-1]\np = softmax(h[t-1])\nloss = cross_entropy(p, y)",
        "h = W @ x + h[t-1]\nloss = cross_entropy(softmax(h[t-1]), y)",
        "h = W @ x + h[t-1]\nloss = 0.5 * cross_entropy(softmax(h), y) + sum(h[t-1] * h[t-1])",
        "h = W @ h[t-1] + x\np = softmax(W @ h[t-2])\nloss = cross_entropy(p, y)",
    ],
)
def test_losses_that_read_an_earlier_state(text: str) -> None:
    s = session(text, {"W": [[0.1, 0.2], [0.3, -0.4]]}, data={"text": "abbab"})
    for it, sequence, flow in flows(s):
        assert flow is not None
        check_flow(it, sequence, flow)


def test_windows_each_have_their_own() -> None:
    training = {"window": 2, "epochs": 2, "optimizer": {"name": "sgd", "learning_rate": 0.1}}
    found = list(flows(session(SMALL, WEIGHTS, data=DATA, training=training)))
    assert [flow.start for _, _, flow in found if flow] == [0, 2, 0, 2]
    for it, sequence, flow in found:
        assert flow is not None and flow.T == 2
        check_flow(it, sequence, flow)
        assert [hop.t for hop in flow.hops(1)] == [flow.start + 2]


def test_windows_that_read_the_time() -> None:
    text = "h = tanh(w * x + u * h[t-1] * t)\nloss = half_squared_error(h, y)"
    found = list(flows(session(text, WEIGHTS, data=DATA, training={"window": 2})))
    assert [flow.start for _, _, flow in found if flow] == [0, 2]
    for it, sequence, flow in found:
        assert flow is not None
        check_flow(it, sequence, flow)


LONG = DATA
SHORT: dict[str, list[Any]] = {"inputs": [1.0, -0.5], "targets": [0.3, None]}
SUMS = {"reduction": {"batch": "sum", "time": "sum"}}


def test_a_sequence_that_is_over_counts_as_if_alone() -> None:
    batch = session(SMALL, WEIGHTS, data={"sequences": [LONG, SHORT], "batch": 2}, training=SUMS)
    together = [(it, flow) for it, _, flow in flows(batch)]
    for (it, flow), own in zip(together, (LONG, SHORT), strict=True):
        [(alone_it, _, alone)] = flows(session(SMALL, WEIGHTS, data=own, training=SUMS))
        T = len(own["inputs"])
        assert flow is not None and alone is not None
        close(flow.items["h"][:T, :T], alone.items["h"])
        assert not flow.items["h"][T:].any() and not flow.items["h"][:, T:].any()
        assert flow.remainder <= 1e-12
        b = 0 if own is LONG else 1
        ours, theirs = horizon(it, sequence=b), horizon(alone_it)
        assert ours is not None and theirs is not None
        close(ours.norms, theirs.norms)


def test_what_would_explode_after_the_end_of_a_sequence() -> None:
    text = "h = x + u * h[t-1] * h[t-1]\nloss = half_squared_error(h, y)"
    long = {"inputs": [0.0] * 16, "targets": [0.0] * 16}
    short = {"inputs": [3.0, 1.0], "targets": [0.0, 0.0]}
    batch = session(text, {"u": 2.0}, data={"sequences": [long, short], "batch": 2}, training=SUMS)
    [(it, _, _), (_, _, flow)] = flows(batch)
    [(alone_it, _, alone)] = flows(session(text, {"u": 2.0}, data=short, training=SUMS))
    assert flow is not None and alone is not None
    close(flow.items["h"][:2, :2], alone.items["h"])
    ours, theirs = horizon(it, sequence=1), horizon(alone_it)
    assert ours is not None and theirs is not None
    close(ours.norms, theirs.norms)


def test_a_loss_beside_an_equation_that_misses_targets() -> None:
    text = "h = tanh(w * x + u * h[t-1])\nq = squared_error(h, y)\nloss = h * h"
    [(it, sequence, flow)] = flows(session(text, WEIGHTS, data={**DATA, "targets": [None, 1.0, None, None]}))
    assert flow is not None
    check_flow(it, sequence, flow)
    assert all(np.diag(flow.map) > 0.0), "every time step has its loss"


@pytest.mark.parametrize("T", [3, 6])
def test_what_explodes(T: int) -> None:
    """No warning where squares overflow, and no claim that infinities add up."""
    text = "h = relu(u * h[t-1] + x)\nloss = half_squared_error(h, y)"
    data = {"inputs": [1.0] * T, "targets": [0.0] * T}
    [(it, _, flow)] = flows(session(text, {"u": 1e75}, data=data))
    assert flow is not None
    assert np.isfinite(flow.map).all() == (T == 3)
    assert (flow.remainder <= 1e-12) == (T == 3)
    found = horizon(it)
    assert found is not None and found.steps is None
    close(np.log10(found.norms), [75.0 * k if k < 5 else np.inf for k in range(T)][::-1])
    assert all(hop.t for place in range(T) for hop in flow.hops(place))
    for place, k in product(range(T), repeat=2):
        assert all(0.0 <= origin.share <= 1.0 for origin in flow.origins(place, k))
    worst = flow.worst(1)
    assert (worst is None) == (T == 6), "0 times infinity: nothing is known"


# ---------------------------------------------------------------- the horizon


def of_cell(cell: str, H: int = 3, **members: Any) -> Session:
    """A bundled cell with a head that compares the sum of h with a number; seeded weights."""
    lines = (*texts.equations("cells", cell), "p = v @ h", "loss = half_squared_error(p, y)")
    rng = np.random.default_rng(3)
    shapes = {"W_x": (H, 2), "W_h": (H, H), "W_g": (H, H), "w_c": (H,), "b_": (H,), "v": (H,)}
    names = {word for line in lines for word in line.replace("(", " ").replace(")", " ").split()}
    parameters = {
        name: rng.normal(0, 0.8, shape).round(3).tolist()
        for name in sorted(names)
        for start, shape in shapes.items()
        if name.startswith(start) and name.isidentifier()
    }
    series = [{"inputs": rng.normal(0, 1, (6, 2)).tolist(), "targets": [0.5] * 6} for _ in range(2)]
    return session("\n".join(lines), parameters, **{"data": {"sequences": series, "batch": 2}, **members})


def by_differences(it: Iteration, state: str, place: int, sequence: int) -> float:
    """‖∂ the last value of a state / ∂ all that is carried on from a place‖, by running on from there."""
    tape, batch = it.tape, it.run.dataset.batches[it.window.batch]
    states = it.run.plan.program.delays

    def last(moved: Mapping[str, Floats]) -> Floats:
        T = tape.T - place - 1
        whole = it.window.start + place + 1, it.window.stop
        signals = [None if s is None else s.window(*whole) for s in (batch.x, batch.y)]
        end = forward(
            it.run.plan, it.before.parameters, *signals, T=T, B=tape.B, initial=moved, start=whole[0]
        )
        result: Floats = end.value(state)[-1, sequence].copy()
        return result

    columns, eps = [], 1e-6
    for name, depth in states.items():
        for back, unit in product(range(depth), range(tape.value(name).shape[-1])):
            sides = []
            for sign in (eps, -eps):
                moved = {n: tape.slots[n][place + 1 : place + 1 + d].copy() for n, d in states.items()}
                moved[name][back, sequence, unit] += sign
                sides.append(last(moved))
            columns.append((sides[0] - sides[1]) / (2 * eps))
    return float(np.linalg.norm(np.array(columns).T, 2))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "lstm-peephole", "two-delays", "stacked-rnn"])
@pytest.mark.parametrize("window", [None, 4])
def test_the_horizon_is_that_of_differences(cell: str, window: int | None) -> None:
    training = {"window": window} if window else {}
    for it in iterations(of_cell(cell, training=training)):
        for sequence in (0, 1):
            found = horizon(it, sequence=sequence)
            assert found is not None and found.start == it.window.start
            assert found.norms[-1] == 1.0
            expected = [by_differences(it, found.state, k, sequence) for k in range(it.tape.T - 1)]
            np.testing.assert_allclose(found.norms[:-1], expected, rtol=1e-6, atol=1e-9)


@given(sessions(lookahead=False, max_T=4))
def test_the_horizon_of_any_session(s: Session) -> None:
    for it, sequence in product(list(iterations(s))[:2], range(s.dataset.batches[0].B)):
        found = horizon(it, sequence=sequence)
        if found is None:
            assert not s.program.delays
            continue
        expected = [by_differences(it, found.state, k, sequence) for k in range(it.tape.T - 1)]
        np.testing.assert_allclose(found.norms, [*expected, 1.0], rtol=1e-5, atol=1e-7)


def test_the_horizon_of_another_state_and_of_more_units_than_lanes() -> None:
    it = next(iterations(of_cell("lstm", H=20)))
    found = horizon(it, "c")
    assert found is not None and found.state == "c"
    for k in range(it.tape.T - 1):
        assert found.norms[k] == pytest.approx(by_differences(it, "c", k, 0), rel=1e-6)


@pytest.mark.parametrize(("u", "steps"), [(0.05, 2), (0.5, None), (0.005, 1), (1.5, None)])
def test_steps_of_the_horizon(u: float, steps: int | None) -> None:
    """h = u h[t-1] + x: after k steps u ** k is left."""
    s = session("h = u * h[t-1] + x", {"u": u}, data={"inputs": [1.0] * 5})
    found = horizon(next(iterations(s)))
    assert found is not None
    close(found.norms, u ** np.arange(4, -1, -1))
    assert found.steps == steps


# ---------------------------------------------------------------- the commands


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    return (code, *capsys.readouterr())


def test_flow_to_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "flow", "hi-there-class-bptt")
    head, times, *rows, last = out.splitlines()
    assert code == 0 and head.startswith("‖∂loss[t]/∂h[k]‖, iteration 1")
    assert times.split() == ["t", *(row.split()[0] for row in rows)]
    assert [len(row.split()) for row in rows] == list(range(2, len(rows) + 2))
    assert last.startswith("added up they are the gradients shown, within ")


def test_flow_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    name, number, sequence = "lstm-remembers", 3, 2
    options = ("--iteration", str(number), "--sequence", str(sequence), "--json")
    code, out, _ = run(capsys, "flow", name, *options)
    found = json.loads(out)
    flow = itemise(Timeline(lesson(name).run).iteration(number), sequence - 1)
    assert code == 0 and flow is not None
    assert found["states"] == list(flow.states) and found["remainder"] <= 1e-12
    np.testing.assert_array_equal(found["norms"], flow.map)
    for state, items in found["items"].items():
        np.testing.assert_array_equal(items, flow.items[state])
    assert [hop["t"] for hop in found["hops"]] == list(range(flow.T, 1, -1))
    assert all(a["after"] >= 0.0 and b["t"] == a["t"] - 1 for a, b in pairwise(found["hops"]))
    assert {route["state"] for route in found["hops"][0]["routes"]} == {"c", "h"}


BOTH = "h = tanh(w * x + u * h[t-1])\nk = tanh(v * x + u * k[t+1])\nloss = half_squared_error(h + k, y)"


def saved(s: Session, path: Path) -> str:
    s.save(path)
    return str(path)


def test_what_goes_to_later_time_steps_is_shown_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s = session(BOTH, {**WEIGHTS, "v": 0.5}, data=DATA)
    code, out, _ = run(capsys, "flow", saved(s, tmp_path / "both.json"))
    head, _, *rows, _ = out.splitlines()
    assert code == 0 and head.startswith("‖∂loss[t]/∂(h, k)[k]‖")
    flow = itemise(Timeline(s.run).iteration(1))
    assert flow is not None and flow.map[0, 3] > 0.0
    shown = np.array([[float(number) for number in row.split()[1:]] for row in rows])
    np.testing.assert_allclose(shown, flow.map, rtol=1e-2)


def test_a_hop_is_one_of_the_states_that_go_that_way() -> None:
    """The gradient of a state that runs the other way is none that a hop could lose."""
    both = itemise(Timeline(session(BOTH, {**WEIGHTS, "v": 0.5}, data=DATA).run).iteration(1))
    assert both is not None
    for hop in both.hops(3):
        assert hop.before == pytest.approx(float(np.abs(both.items["h"][3, hop.t - 1, 0])), rel=1e-12)


def test_the_last_loss_that_sends_anything_is_the_one_to_blame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s = session(SMALL, WEIGHTS, data={**DATA, "targets": [None, 1.0, 0.5, None]})
    path = saved(s, tmp_path / "it.json")
    assert "; the hop t=" in run(capsys, "horizon", path)[1]
    hops = json.loads(run(capsys, "flow", path, "--json")[1])["hops"]
    assert [hop["t"] for hop in hops] == [3, 2] and hops[0]["before"] > 0.0


def test_a_horizon_that_overflows_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    s = session(
        "h = u * h[t-1] ** 2\nloss = squared_error(h, y)",
        {"u": 1e200},
        data={"targets": [1, 1, 1]},
        initial={"h": 1.0},
    )
    code, out, err = run(capsys, "horizon", saved(s, tmp_path / "it.json"))
    assert (code, err) == (0, "")
    assert out == "horizon: none that is known; h[2] overflows\n"


def test_a_gradient_that_grows_is_not_said_to_be_left(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "horizon", "exploding-and-clipping")[1]
    assert out.startswith(
        "horizon: more than 19 steps; ∂h[20] has grown × 146 by t=1; every hop grows alike: × 1.3"
    )


def test_horizon_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for name, most in product(("vanishing", "truncated-bptt"), (1, 19)):
        code, out, err = run(capsys, "horizon", name, "--iteration", "2", "--at-least", str(most))
        it = Timeline(Session.load(f"sessions/{name}.json").run).iteration(2)
        found = horizon(it)
        assert found is not None
        assert code == (most > len(found.norms) if found.steps is None else found.steps < most)
        assert out.count("\n") == 1 and out.startswith("horizon: ") and err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["flow", "batch"], "there is no loss, so no gradient flows"),
        (["flow", "hi-there", "--iteration", "0"], "--iteration 0: expected 1 to"),
        (["horizon", "hi-there", "--iteration", "99999"], "--iteration 99999: expected 1 to"),
        (["flow", "lstm-remembers", "--sequence", "9"], "--sequence 9: expected 1 to 8"),
        (["horizon", "lstm-remembers", "--sequence", "9"], "--sequence 9: expected 1 to 8"),
        (["horizon", "lstm-remembers", "--sequence", "0"], "--sequence 0: expected 1 to 8"),
        (["flow", "no-such-lesson"], "no-such-lesson"),
    ],
)
def test_refused_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("rnn-tui: ") and words in err


def test_norms_of_numbers_whose_squares_no_float_can_say() -> None:
    rows = np.array([[3e200, 4e200], [3e-200, -4e-200], [0.0, 0.0], [np.inf, 1.0], [3.0, 4.0]])
    np.testing.assert_allclose(norms(rows), [5e200, 5e-200, 0.0, np.inf, 5.0], rtol=1e-15)
    assert np.isnan(norms(np.array([[np.nan, 1e300]]))).all()
    assert norms(np.array([3e200, -4e200])) == pytest.approx(5e200)
