"""Hops to any time step, earlier or later, one away or several: by the oracle's derivatives."""

from __future__ import annotations

import ast
import dataclasses
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine import texts
from rnn_engine.flow import Flow, Hop, Horizon, Unknown, horizon, horizons, itemise
from rnn_engine.session import Session
from rnn_engine.training import Iteration
from rnn_tui.words import blame, horizon_line, ways
from tests.build import iterations, of_case, session
from tests.reference import STEP, Case, Floats, Run, Value, parse, reads
from tests.strategies import cases

Seen = tuple[str, int, frozenset[int]]
"""A state, a time step, and the time steps that see it changed."""


class Changed(Run):
    """A sequence in which a state of one time step is changed for those alone that read it from some others."""

    seen: Seen = ("", 0, frozenset())
    unit: tuple[int, ...] = ()

    def evaluate(self, t: int, node: ast.expr) -> Value | None:
        value = super().evaluate(t, node)
        if isinstance(node, ast.Subscript) and value is not None and t in self.seen[2]:
            ((name, shift),) = reads(node)
            if (name, t + shift) == self.seen[:2]:
                self.nudge_at = ("here", self.unit)
                return self.nudge("here", value)
        return value


def changes(case: Case, b: int, seen: Seen) -> list[Changed]:
    """One for each unit of the state."""
    found = []
    for unit in np.ndindex(Run(case, b).shapes[seen[0]] or ()):
        run = Changed(case, b)
        run.seen, run.unit = seen, unit
        found.append(run)
    return found


def one_loss(case: Case, it: Iteration, place: int, b: int) -> Case:
    """With the loss of one time step alone, as it counts in the window."""
    weights = np.zeros((case.T, case.B))
    weights[place, b] = it.run.weights(it.tape)[place, b]
    return dataclasses.replace(case, weights=weights)


def arriving(case: Case, state: str, t: int, readers: frozenset[int], b: int = 0) -> Floats:
    """∂ objective / ∂ a state as these time steps read it."""
    return np.array([run.objective().imag / STEP for run in changes(case, b, (state, t, readers))])


def factor(hop: Hop) -> float:
    """That of a hop which has one."""
    assert hop.factor is not None
    return hop.factor


def first_flow(case: Case) -> tuple[Iteration, Flow | None]:
    it = next(iterations(of_case(case)))
    return it, itemise(it)


def check_hops(case: Case, it: Iteration, flow: Flow) -> None:
    """Every hop brings what its time step reads, and where the text reads there is a hop."""
    offsets = {read for tree in parse(case.equations).values() for read in reads(tree) if read[1]}
    for place in range(case.T):
        alone = one_loss(case, it, place, 0)
        hops = flow.hops(place)
        for t, to in {(hop.t, hop.to) for hop in hops}:
            got = [hop for hop in hops if (hop.t, hop.to) == (t, to)]
            if len(got) == 1:  # else some of it is straight from the loss, and some by way of the states
                parts = [arriving(alone, s, to, frozenset({t})) for s in flow.states]
                expected = np.linalg.norm(np.concatenate(parts))
                np.testing.assert_allclose(got[0].after, expected, rtol=1e-9, atol=1e-12)
        for state, offset in offsets:
            for t in range(1, case.T + 1):
                if state in flow.states and 1 <= t + offset <= case.T:
                    there = arriving(alone, state, t + offset, frozenset({t}))
                    assert not there.any() or any((hop.t, hop.to) == (t, t + offset) for hop in hops)


@given(cases(loss=True, max_T=4, max_B=1))
def test_hops_of_any_text_by_the_oracle(case: Case) -> None:
    case = dataclasses.replace(case, weights=None)
    it, flow = first_flow(case)
    if flow is not None:
        check_hops(case, it, flow)


WEIGHTS = {
    "W": np.array([[0.3, -0.5], [0.8, 0.2]]),
    "U": np.array([[0.5, -0.7], [0.4, 0.6]]),
    "S": np.array([[-0.3, 0.9], [0.2, -0.6]]),
    "V": np.array([[0.7, 0.1], [-0.4, 0.5]]),
}
TEXTS = {
    "one back": "h = tanh(W @ x + U @ h[t-1])",
    "two back": "h = tanh(W @ x + U @ h[t-2])",
    "three back": "h = tanh(W @ x + U @ h[t-3])",
    "one and three back": "h = tanh(W @ x + U @ h[t-1] + S @ h[t-3])",
    "one on": "h = tanh(W @ x + U @ h[t+1])",
    "one and two on": "h = tanh(W @ x + U @ h[t+1] + S @ h[t+2])",
    "both ways": "f = tanh(W @ x + U @ f[t-1])\ng = tanh(V @ x + S @ g[t+1])\nh = f + g",
    "back feeds on": "f = tanh(W @ x + U @ f[t-1])\nh = tanh(V @ f + S @ h[t+1])",
    "on feeds back": "g = tanh(W @ x + U @ g[t+1])\nh = tanh(V @ g[t-2] + S @ h[t-1])",
    "a gate": "c = sigmoid(W @ x) * c[t-1] + V @ h[t-2]\nh = tanh(c)",
}


def case_of(text: str, loss: str = "half_squared_error(h, y)", T: int = 6) -> Case:
    random = np.random.default_rng(4)
    lines = (*text.splitlines(), f"loss = {loss}")
    used = {name: value for name, value in WEIGHTS.items() if f"{name} @" in text + loss}
    x, y = ([[row] for row in random.normal(0, 1, (T, 2)).round(2).tolist()] for _ in range(2))
    return Case(lines, used, T, x=x if "x" in text else None, y=y)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("loss", ["half_squared_error(h, y)", "half_squared_error(h[t+1] + V @ h[t-2], y)"])
def test_hops_of_chosen_texts_by_the_oracle(text: str, loss: str) -> None:
    case = case_of(text, loss)
    it, flow = first_flow(case)
    assert flow is not None and flow.remainder < 1e-12
    check_hops(case, it, flow)
    for place, k in product(range(case.T), repeat=2):
        origins = flow.origins(place, k)
        assert not origins or sum(origin.share for origin in origins) == pytest.approx(1.0)
        assert bool(origins) == any(hop.to == k + 1 and hop.after > 0.0 for hop in flow.hops(place))


@pytest.mark.parametrize("offset", [-1, -2, -3, 1, 2])
@pytest.mark.parametrize("T", [3, 8])
def test_the_factors_of_a_chain_are_its_jacobians(offset: int, T: int) -> None:
    """h = tanh(w x + u h[t+o]): from t a chain t, t + o, t + 2 o, …, each hop u (1 − h²)."""
    random = np.random.default_rng(1)
    inputs, targets = (random.normal(0, 1, (T, 1)).tolist() for _ in range(2))
    text = (f"h = tanh(w * x + u * h[t{offset:+d}])", "loss = half_squared_error(h, y)")
    case = Case(text, {"w": np.array(0.6), "u": np.array(-0.8)}, T, x=inputs, y=targets)
    it, flow = first_flow(case)
    assert flow is not None
    h = it.tape.value("h")[:, 0, 0]
    for place in range(T):
        hops, chain = flow.hops(place), list(range(place + 1, T + 1 if offset > 0 else 0, offset))
        assert [(hop.t, hop.to) for hop in hops] == list(pairwise(chain))
        for hop in hops:
            assert hop.nonlinearity == pytest.approx(1 - h[hop.t - 1] ** 2, rel=1e-12)
            assert hop.split and hop.weights == pytest.approx(0.8, rel=1e-12)
        for n, t in enumerate(chain):
            changed = Run(case, 0).nudged((t, "h"), ()).value(place + 1, "h")
            assert isinstance(changed, complex)
            factors = np.prod([factor(hop) for hop in hops[:n]])
            assert factors == pytest.approx(abs(changed.imag / STEP), rel=1e-12)
            assert flow.map[place, t - 1] == pytest.approx(flow.map[place, place] * factors, rel=1e-12)
        ends = flow.ends(place)
        assert len(ends) == (len(hops) > 0)
        for end in ends:
            assert (end.t, end.to) == (chain[0], chain[-1])
            assert end.last == pytest.approx(end.first * np.prod([factor(hop) for hop in hops]), rel=1e-12)
        unreached = set(range(1, T + 1)) - set(chain)
        assert not flow.map[place, [t - 1 for t in unreached]].any()


def test_a_hop_is_of_the_states_that_go_on() -> None:
    """Not of one that is only read from another time step, nor of one that runs the other way."""
    _, flow = first_flow(case_of(TEXTS["both ways"]))
    assert flow is not None
    for place in range(6):
        hops = flow.hops(place)
        chain = [*range(place + 1, 1, -1)], [*range(place + 1, 6)]
        assert [hop.t for hop in hops] == [*chain[0], *chain[1]]
        for hop in hops:
            [route] = hop.routes
            assert route.state == ("f" if hop.to < hop.t else "g")
            before = np.linalg.norm(flow.items[route.state][place, hop.t - 1])
            assert hop.before == pytest.approx(before, rel=1e-12)
            assert hop.after == pytest.approx(
                np.linalg.norm(flow.items[route.state][place, hop.to - 1]), rel=1e-12
            )
    _, delayed = first_flow(case_of("e = W @ x\nh = tanh(U @ h[t-1] + S @ e[t-1])"))
    assert delayed is not None
    for hop in delayed.hops(5):
        assert hop.before == pytest.approx(np.linalg.norm(delayed.items["h"][5, hop.t - 1]), rel=1e-12)
        assert {route.state for route in hop.routes} == {"e", "h"}


def test_what_comes_straight_from_the_loss_has_no_factor() -> None:
    _, flow = first_flow(case_of(TEXTS["one back"], "half_squared_error(h[t+1] + V @ h[t-2], y)"))
    assert flow is not None
    hops = flow.hops(3)
    assert [(hop.t, hop.to) for hop in hops if hop.straight] == [(4, 2), (4, 5)]
    assert [(hop.t, hop.to) for hop in hops if not hop.straight] == [(5, 4), (4, 3), (3, 2), (2, 1)]
    assert all(hop.before == 0.0 < hop.after and hop.factor is None for hop in hops if hop.straight)
    worst = flow.worst(3)
    assert worst is not None and not worst.straight
    [end] = flow.ends(3)
    assert (end.t, end.to) == (5, 1)


def test_a_loss_beyond_all_reads_has_no_hop() -> None:
    _, back = first_flow(case_of(TEXTS["three back"]))
    _, on = first_flow(case_of(TEXTS["one on"]))
    assert back is not None and on is not None
    assert [len(back.hops(place)) for place in range(6)] == [0, 0, 0, 1, 1, 1]
    assert [len(on.hops(place)) for place in range(6)] == [5, 4, 3, 2, 1, 0]
    assert (back.offsets, on.offsets) == ((-3,), (1,))
    assert on.worst(5) is None and on.worst(0, -1) is None
    assert on.worst(0, 1) == on.worst(0)


def test_among_hops_of_several_lengths_the_shortest_are_compared() -> None:
    """A long one gives what it gives beside the others: that little goes by it does not say that little goes on."""
    _, flow = first_flow(case_of(TEXTS["one and three back"]))
    assert flow is not None
    assert {hop.offset for hop in flow.hops(5)} == {-1, -3}
    worst = flow.worst(5)
    assert worst is not None and worst.offset == -1
    short = [hop for hop in flow.hops(5) if hop.offset == -1]
    assert abs(np.log(factor(worst))) == max(abs(np.log(factor(hop))) for hop in short)


PADDED = "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(v * h[t+1], y)"


def test_where_a_sequence_is_over_nothing_comes_back_from_behind_its_end() -> None:
    short = {"inputs": [0.5, 1.0, -0.5], "targets": [1.0, 0.5, 0.25]}
    long = {"inputs": [1.0, 0.25, 0.5, 0.75, -1.0], "targets": [0.0, 1.0, 0.5, 0.1, 0.2]}
    weights = {"w": 0.5, "u": 0.3, "v": 0.7}
    it = next(iterations(session(PADDED, weights, data={"sequences": [short, long], "batch": 2})))
    lone = next(iterations(session(PADDED, weights, data={"sequences": [short]})))
    flow, alone = itemise(it, 0), itemise(lone, 0)
    assert flow is not None and alone is not None
    assert flow.T == alone.T == 3
    for place in range(3):
        for hop, own in zip(flow.hops(place), alone.hops(place), strict=True):
            assert (hop.t, hop.to, hop.straight) == (own.t, own.to, own.straight)
            assert hop.before == pytest.approx(own.before / 2, rel=1e-12)  # the mean over two sequences
    longer = itemise(it, 1)
    assert longer is not None and len(longer.hops(2)) == 4
    assert {route.through for hop in longer.hops(2) for route in hop.routes} == {"u", "v"}


# ---------------------------------------------------------------- the horizon


def by_oracle(case: Case, found: Horizon, b: int = 0) -> Floats:
    """‖∂ the state where it is carried to / ∂ all that crosses the cut beyond k, as it is read there‖."""
    T, end = case.T, found.end + 1
    expected = np.zeros(T)
    states = {name for tree in parse(case.equations).values() for name, shift in reads(tree) if shift}
    depth = max(abs(shift) for tree in parse(case.equations).values() for _, shift in reads(tree))
    for k in range(1, T + 1):
        beyond = frozenset(range(k + 1, T + 1) if found.way < 0 else range(1, k))
        columns = []
        for state in sorted(states):
            for j in range(depth):
                for run in changes(case, b, (state, k + j * found.way, beyond)):
                    value = run.value(end, found.state)
                    columns.append(np.atleast_1d(np.array(value)).imag / STEP)
        expected[k - 1] = np.linalg.norm(np.array(columns).T, 2)
    expected[found.end] = 1.0
    return expected


@given(cases(max_T=4, max_B=1))
def test_the_horizon_of_any_text_by_the_oracle(case: Case) -> None:
    for found in horizons(next(iterations(of_case(case)))):
        np.testing.assert_allclose(found.norms, by_oracle(case, found), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_horizon_of_chosen_texts_by_the_oracle(text: str) -> None:
    case = case_of(text)
    it = next(iterations(of_case(case)))
    found = horizons(it)
    ways = {
        (1 if shift > 0 else -1)
        for tree in parse(case.equations).values()
        for _, shift in reads(tree)
        if shift
    }
    assert [one.way for one in found] == sorted(ways if "g[t-2]" not in text else {-1, 1})
    for one in found:
        np.testing.assert_allclose(one.norms, by_oracle(case, one), rtol=1e-9, atol=1e-12)
        assert one.norms[one.end] == 1.0
        named = horizon(it, one.state)
        assert named is not None and named.way == one.way
        np.testing.assert_array_equal(named.norms, one.norms)


@pytest.mark.parametrize(("read", "steps"), [("h[t-3]", 7), ("h[t-1]", 3), ("h[t+1]", 3), ("h[t+2]", 5)])
def test_what_is_carried_past_a_time_step_is_remembered_there(read: str, steps: int) -> None:
    """With `h[t-3]` h[10] depends on h[7] alone of those before it; from 9 to 7 all of that is on its way."""
    it = next(iterations(session(f"h = u * {read} + x", {"u": 0.1}, data={"inputs": [1.0] * 10})))
    found = horizon(it)
    assert found is not None
    delay = abs(int(read[3:-1]))
    expected = [0.1 ** -(-n // delay) for n in range(10)]
    np.testing.assert_allclose(found.norms[:: found.way], expected, rtol=1e-12)
    assert found.steps == 2 * delay + 1 == steps


def test_the_horizon_is_that_of_a_state_that_recurs() -> None:
    """Not of an input that is read once more a time step later."""
    it = next(iterations(session("e = x\nh = u * h[t-1] + e[t-1]", {"u": 0.5}, data={"inputs": [1.0] * 4})))
    found = horizons(it)
    assert [(one.state, one.way) for one in found] == [("h", -1)]
    alone = horizons(next(iterations(session("e = x\nz = e - e[t+1]", data={"inputs": [1.0] * 4}))))
    assert [(one.state, one.way, one.steps) for one in alone] == [("e", 1, 1)]


def sentences(case: Case) -> list[str]:
    it, flow = first_flow(case)
    return [horizon_line(found, flow) for found in horizons(it)]


def test_sentences_name_the_way_and_the_length_of_hops() -> None:
    [back] = sentences(case_of(TEXTS["one and three back"]))
    assert "of ∂h[6] " in back and "; of the hops of 1 step t=" in back
    [line] = sentences(case_of(TEXTS["three back"]))
    assert "; the hop t=" in line and line.startswith("horizon: ")
    [on] = sentences(case_of(TEXTS["one on"]))
    assert on.startswith("horizon to later time steps: ") and "∂h[1] " in on and "; the hop t=" in on
    earlier, later = sentences(case_of(TEXTS["both ways"]))
    assert "∂f[6]" in earlier and "∂g[1]" in later
    hop = later.partition("the hop t=")[2].split()
    assert int(hop[2]) == int(hop[0]) + 1


def test_recurrences_of_the_manual_have_their_hops() -> None:
    """Both directions, two delays: as `docs/recurrences.md` has them."""
    lines = "\n".join(texts.equations("cells", "two-delays"))
    assert "h[t-2]" in lines
    shapes: dict[str, Any] = {"W_xh": [[0.5]], "W_hh": [[0.4]], "W_hh2": [[-0.6]], "b_h": [0.1]}
    s: Session = session(
        f"{lines}\nloss = half_squared_error(h, y)", shapes,
        data={"inputs": [[1.0], [0.5], [-1.0], [0.3]], "targets": [[0.0]] * 4},
    )  # fmt: skip
    flow = itemise(next(iterations(s)))
    assert flow is not None
    assert [(hop.t, hop.to) for hop in flow.hops(3)] == [(4, 3), (4, 2), (3, 2), (3, 1), (2, 1)]
    origins = flow.origins(3, 1)
    assert [origin.t for origin in origins] == [3, 4]
    assert sum(origin.share for origin in origins) == pytest.approx(1.0)


@given(st.integers(-3, 3).filter(bool), st.integers(1, 6), st.integers(0, 2**16))
def test_items_add_up_at_any_offset(offset: int, T: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs, targets = (random.normal(0, 1, (T, 1)).tolist() for _ in range(2))
    text = (f"a = w * x + u * h[t{offset:+d}]", "h = tanh(a)", "loss = half_squared_error(h, y)")
    case = Case(text, {"w": np.array(0.6), "u": random.normal(0, 2, ())}, T, x=inputs, y=targets)
    _, flow = first_flow(case)
    assert flow is not None and flow.remainder <= 1e-12
    np.testing.assert_allclose(flow.items["h"].sum(axis=0), flow.total["h"], rtol=1e-12, atol=1e-15)


# ---------------------------------------------------------------- what a horizon blames


def lines_of(s: Session, sequence: int = 0) -> list[str]:
    it = next(iterations(s))
    flow = itemise(it, sequence)
    return [horizon_line(found, flow) for found in horizons(it, sequence)]


def test_a_horizon_speaks_of_the_hops_of_what_it_measures() -> None:
    """Two cells that only the loss brings together: the hop of h is worst where that of both is best."""
    text = "h = u * x * h[t-1] + 1\ng = 9 * (1 - x) * g[t-1]\nloss = half_squared_error(h + g, y)"
    data = {"inputs": [1.0, 0.5, 1.0, 1.0], "targets": [0.0] * 4}
    s = session(text, {"u": 0.9}, data=data, initial={"h": 1.0, "g": 1.0})
    it = next(iterations(s))
    flow, [found] = itemise(it), horizons(it)
    assert flow is not None and flow.graph.connected("h") == {"h"} and flow.graph.connected("g") == {"g"}
    alone = itemise(
        next(iterations(session(text.splitlines()[0] + "\nloss = half_squared_error(h, y)", {"u": 0.9},
                                data=data, initial={"h": 1.0}))))  # fmt: skip
    assert alone is not None and found.state == "h"
    for hops in (flow.hops(3, "h"), alone.hops(3)):
        assert [hop.factor for hop in hops] == pytest.approx([0.9, 0.9, 0.45])
    assert "; the hop t=2 → 1 of h loses most: × 0.45 (nonlinearity × 1, weights × 0.45)" in lines_of(s)[0]


def test_states_that_reach_each_other_belong_together() -> None:
    text = texts.equations("cells", "lstm")
    weights: dict[str, Any] = {f"{w}{gate}": [[0.5]] for w in ("W_x", "W_h") for gate in "ifog"}
    weights |= {f"b_{gate}": [0.5] for gate in "ifog"}
    s = session("\n".join((*text, "loss = half_squared_error(h, y)")), weights,
                data={"inputs": [[1.0], [0.5], [0.2]], "targets": [[0.0]] * 3})  # fmt: skip
    flow = itemise(next(iterations(s)))
    assert flow is not None and flow.graph.connected("h") == {"c", "h"}
    assert flow.hops(2, "h") == flow.hops(2)
    [line] = lines_of(s)
    assert "% through c" in line and "% through h" in line and "nonlinearity" not in line


CHAIN = "h = k * h[t-1]\nloss = half_squared_error(h, y)"


def chain(factors: list[float], initial: float = 1.0) -> Session:
    """h[t] = x[t] h[t-1]: each hop from t has the factor x[t]."""
    data = {"inputs": [1.0, *factors], "targets": [*[None] * len(factors), 0.0]}
    return session(CHAIN.replace("k", "x"), data=data, initial={"h": initial})


def test_the_hop_that_loses_most_lies_before_the_horizon() -> None:
    [line] = lines_of(chain([0.2, 0.1, 0.2, 9.0, 0.2, 0.15, 0.2]))
    assert line.startswith("horizon: 3 steps; ")
    assert "; up to there the hop t=7 → 6 loses most: × 0.15 " in line
    [all_of_it] = lines_of(chain([9.0, 0.1, 0.2, 0.2]))
    assert "3 steps" in all_of_it and "; up to there the hop t=3 → 2 loses most: × 0.1 " in all_of_it


def test_grows_most_is_said_only_where_it_grows_overall() -> None:
    assert "; the hop t=3 → 2 loses most: × 0.5 " in lines_of(chain([1.0, 0.5, 1.5]))[0]
    assert "; the hop t=2 → 1 grows most: × 4 " in lines_of(chain([4.0, 0.5, 3.0]))[0]
    [same] = lines_of(chain([1.0, 1.0, 1.0]))
    assert same == "horizon: more than 3 steps; all of ∂h[4] is left at t=1; no hop loses any"
    [three] = lines_of(chain([9.0, 0.2, 0.2, 0.2]))
    assert "; up to there every hop loses alike: × 0.2 (nonlinearity × 1, weights × 0.2)" in three
    assert "nearly all of ∂h[2]" in lines_of(chain([0.999]))[0]


def test_a_state_that_the_loss_does_not_see_has_no_hop_of_another() -> None:
    text = "h = 0.5 * h[t-1] + x\ng = 0.25 * g[t-1] + x\nz = g\nloss = half_squared_error(g, y)"
    it = next(iterations(session(text, data={"inputs": [1.0] * 3, "targets": [0.0] * 3})))
    found, flow = horizon(it, "h"), itemise(it)
    assert found is not None and flow is not None
    assert "the hop" not in horizon_line(found, flow)


# ---------------------------------------------------------------- the split of a factor


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("h = tanh(W @ x + U @ h[t-1])", True),
        ("a = W @ x + U @ h[t-1]\nh = sigmoid(a - 1)", True),
        ("h = tanh(W @ x + U @ (h[t-1] - 1))", True),
        ("h = U @ h[t-1] + x", True),
        ("h = tanh(x + S @ h[t-1] + U @ h[t-1])", False),  # two ways
        ("h = h[t-1] + 0.1 * (x - h[t-1])", False),
        ("a = W @ x + U @ h[t-1]\nh = tanh(a) * sigmoid(a)", False),  # two ways up
        ("h = V @ tanh(U @ h[t-1] + x)", False),  # a product on the way up
        ("h = W @ x * tanh(U @ h[t-1])", False),  # a gate on the way up
        ("a = U @ h[t-1] + x\nh = a / sqrt(sum(a * a) + 1)", False),
        ("h = V @ tanh(h[t-1]) + x", False),  # the nonlinearity comes first
    ],
)
def test_a_factor_is_split_where_there_is_one_way_through_both(text: str, split: bool) -> None:
    _, flow = first_flow(case_of(text))
    assert flow is not None
    for hop in flow.hops(5):
        assert hop.split == split
        if hop.split:
            assert hop.nonlinearity is not None and hop.nonlinearity <= 1.0 + 1e-12
            assert factor(hop) == pytest.approx(hop.nonlinearity * (hop.weights or 0.0), rel=1e-12)
        else:
            assert hop.nonlinearity is None and hop.weights is None


def test_a_loss_that_reads_behind_the_nonlinearity_leaves_no_split() -> None:
    """What it sends to `a` has not come through the tanh."""
    text = "a = W @ x + U @ h[t-1]\nh = tanh(a)"
    _, flow = first_flow(case_of(text, "half_squared_error(h + a, y)"))
    assert flow is not None and not any(hop.split for hop in flow.hops(5))


def test_ways_are_named_by_state_or_by_what_they_go_through() -> None:
    _, leaky = first_flow(case_of("h = h[t-1] + 0.1 * (x - h[t-1])"))
    assert leaky is not None
    hop = leaky.hops(5)[0]
    assert [route.through for route in hop.routes] == ["h[t-1]", "0.1"]
    assert [route.factor for route in hop.routes] == pytest.approx([1.0, 0.1])
    assert dict(ways(hop)) == pytest.approx({"h[t-1]": 1 / 1.1, "0.1": 0.1 / 1.1})
    assert blame(hop) == "× 0.9 (91 % through h[t-1], 9.1 % through 0.1)"


# ---------------------------------------------------------------- what is not defined, and what is none


def test_nothing_over_nothing_has_no_factor() -> None:
    """relu takes all of it at t = 2; W there and all of the hop before have nothing to make a factor of."""
    s = session("h = relu(W @ h[t-1] + x)\nloss = half_squared_error(h, y)", {"W": [[0.1, 0.2], [0.3, 0.1]]},
                data={"inputs": [[1.0, 1.0], [1.0, 1.0], [-5.0, -5.0], [1.0, 1.0]],
                      "targets": [None, None, None, [1.0, 0.5]]})  # fmt: skip
    flow = itemise(next(iterations(s)))
    assert flow is not None and flow.sending == (3,)
    living, dying, dead = flow.hops(3)
    assert factor(living) > 0.0
    assert (dying.factor, dying.nonlinearity, dying.weights) == (0.0, 0.0, None)
    assert dying.routes[0].factor is None and not dying.shares
    assert (dead.factor, dead.nonlinearity, dead.weights, dead.routes[0].factor) == (None,) * 4
    assert flow.compared(3) == (living, dying)
    assert "; the hop t=3 → 2 loses most: × 0 (the nonlinearity leaves nothing)" in lines_of(s)[0]


def test_a_number_that_is_none_is_no_overflow() -> None:
    text = "h = tanh(w * x + u * h[t-1])\nz = log(h)\nloss = squared_error(z, y)"
    data = {"inputs": [-0.1, 0.2], "targets": [1.0, 2.0]}
    s = session(text, {"w": 0.5, "u": "NaN"}, data=data)
    it = next(iterations(s))
    flow, [found] = itemise(it), horizons(it)
    assert flow is not None and flow.unknown == found.unknown == Unknown("u", True)
    assert np.isnan(found.norms[0]) and found.known == 0 and found.steps is None
    assert found.lasts(1) is None
    assert lines_of(s) == ["horizon: none that is known; u is not a number (nan)"]
    below = session(text, {"w": 0.5, "u": 0.1}, data={"inputs": [0.1, -0.2], "targets": [1.0, 2.0]})
    it = next(iterations(below))
    flow, [found] = itemise(it), horizons(it)
    assert flow is not None and flow.unknown == Unknown("z[2]", True)
    assert found.unknown is None and found.steps is None, "z is no part of what h remembers"


def test_what_overflows_is_known_up_to_there() -> None:
    s = session("h = w * h[t-1] + x", {"w": 1e60}, data={"inputs": [0.0] * 12})
    [found] = horizons(next(iterations(s)))
    assert found.known == 5 and found.steps is None and found.unknown == Unknown("∂h[6]", False)
    assert (found.lasts(6), found.lasts(7)) == (True, None)
    assert lines_of(s) == ["horizon: more than 5 steps; ∂h[6] overflows"]


# ---------------------------------------------------------------- sequences of unequal lengths


@pytest.mark.parametrize("name", ["one back", "one on", "one and two on", "both ways", "on feeds back"])
def test_a_sequence_in_a_batch_reads_as_it_does_alone(name: str) -> None:
    random = np.random.default_rng(2)

    def sequence(T: int) -> dict[str, Any]:
        return {key: random.normal(0, 1, (T, 2)).tolist() for key in ("inputs", "targets")}

    text = f"{TEXTS[name]}\nloss = half_squared_error(h, y)"
    weights = {key: value.tolist() for key, value in WEIGHTS.items() if f"{key} @" in text}
    long, short = sequence(7), sequence(3)
    sums = {"reduction": {"batch": "sum", "time": "sum"}}
    batch = session(text, weights, data={"sequences": [long, short], "batch": 2}, training=sums)
    alone = session(text, weights, data={"sequences": [short], "batch": 1}, training=sums)
    ours, theirs = (itemise(next(iterations(s)), b) for s, b in ((batch, 1), (alone, 0)))
    assert ours is not None and theirs is not None and ours.T == theirs.T == 3
    assert ours.remainder <= 1e-12
    for state in theirs.states:
        np.testing.assert_allclose(ours.items[state], theirs.items[state], rtol=1e-10, atol=1e-14)
    for place in range(3):
        pairs = list(zip(ours.hops(place), theirs.hops(place), strict=True))
        for a, b in pairs:
            assert (a.t, a.to, a.split) == (b.t, b.to, b.split)
            assert factor(a) == pytest.approx(factor(b), rel=1e-10)
            assert [route.through for route in a.routes] == [route.through for route in b.routes]
    assert lines_of(batch, 1) == lines_of(alone)


def test_a_sequence_that_is_over_before_the_window() -> None:
    text = "h = tanh(x + 0.5 * h[t-1])\nloss = half_squared_error(h, y)"
    rows = [{"inputs": [1.0] * T, "targets": [0.0] * T} for T in (4, 2)]
    s = session(text, data={"sequences": rows, "batch": 2}, training={"window": 2})
    second = list(iterations(s))[1]
    assert second.window.start == 2
    assert itemise(second, 1) is None and horizons(second, 1) == () and horizon(second, "h", 1) is None
    assert itemise(second, 0) is not None and horizons(second, 0)
