"""Snapshots: at every step, which numbers are known, and what the step wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from rnn_engine.core.steps import Step
from rnn_engine.observe import observe
from rnn_engine.panes import PANES
from rnn_engine.session import Session
from rnn_engine.snapshot import Matrix, Snapshot
from rnn_engine.timeline import Timeline
from rnn_engine.trace import Record, records
from tests.build import LESSONS, lesson, session, sessions

MOST = 400
"""Steps of a session that are looked at: the first, and of a short run the last."""


def walk(s: Session) -> Iterator[tuple[Record, Snapshot]]:
    timeline, last = Timeline(s.run), s.schedule.total - 1
    spans = [(0, min(MOST, last))]
    if s.schedule.iterations < 100 and last > MOST:
        spans.append((max(MOST + 1, last - MOST), last))
    for span in spans:
        for record in records(s, *(str(s.schedule.address(i)) for i in span)):
            yield record, observe(s, timeline, record["index"])


def matrix(snapshot: Snapshot, pane: str, key: str) -> Matrix:
    [found] = [m for m in snapshot.panes[pane] if m.key == key]
    return found


def written(snapshot: Snapshot) -> dict[str, Any]:
    """By pane and key: the numbers that this step wrote."""
    return {
        f"{pane} {m.key}": m.values[m.written]
        for pane, matrices in snapshot.panes.items()
        for m in matrices
        if m.written is not None and m.written.any()
    }


def first_sequence(value: Any, snapshot: Snapshot) -> Any:
    return np.ravel(value if snapshot.sequence[1] == 1 else value[0])


def check(s: Session) -> None:
    for record, snapshot in walk(s):
        check_forms(snapshot)
        place, equation = record["address"].split(":")[2:]
        assert (snapshot.address, snapshot.equation) == (record["address"], equation)
        wrote = written(snapshot)
        match record["phase"]:
            case "forward" | "evaluate":
                value = record["values"][equation]
                value = value[0] if snapshot.sequence[1] > 1 else value
                # the output may be a state as well, and is then in both rooms
                assert wrote and set(wrote) <= {f"hidden {equation}", f"output {equation}"}
                assert value is None or all(np.array_equal(v, np.ravel(value)) for v in wrote.values())
            case "generate" if equation == "sample":
                assert list(wrote) == ["inputs x"]
            case "generate":
                for found in wrote.values():
                    assert np.array_equal(found, np.ravel(record["values"][equation]))
            case "backward":
                if equation != "loss":
                    found = wrote.pop(f"gradients ∂{equation}")
                    expected = record["grads"][equation]
                    assert np.array_equal(found, first_sequence(expected, snapshot))
                adding = {name for name, part in record["adds"].items() if np.any(part)}
                assert set(wrote) == {f"gradients ∂{name}" for name in adding}
            case "update":
                frozen = s.run.rule is not None and place in s.run.rule.frozen
                assert set(wrote) == ({f"weights {place}"} if equation == "w" and not frozen else set())
                for found in wrote.values():
                    assert np.array_equal(found, np.ravel(record["values"]["w"]))


def check_forms(snapshot: Snapshot) -> None:
    """What every pane relies on."""
    assert set(snapshot.panes) == set(snapshot.names) == set(PANES)
    for matrices in snapshot.panes.values():
        assert len({m.key for m in matrices}) == len(matrices)
        for m in matrices:
            R, C = m.values.shape
            assert not m.values.flags.writeable
            assert len(m.rows) == R and len(m.columns) == C
            for mask in (m.known, m.written):
                assert mask is None or (mask.shape == (R, C) and mask.dtype == bool)
            if m.known is not None and m.written is not None and "target" not in snapshot.formula.result:
                assert not (m.written & ~m.known).any(), "what was written is known"
            assert m.current is None or 0 <= m.current < R
            for choice in (m.target, m.chosen):
                assert choice is None or (len(choice) == R and all(c is None or 0 <= c < C for c in choice))
            assert m.texts is None or (len(m.texts) == R and all(len(row) == C for row in m.texts))
    timeline = snapshot.timeline
    assert 0 <= timeline.index < timeline.total
    [(_, first, size)] = [p for p in timeline.phases if p[0] == timeline.phase]
    assert first <= timeline.index < first + size
    assert timeline.t is None or timeline.window[0] <= timeline.t <= timeline.window[1] <= timeline.T


@pytest.mark.parametrize("name", LESSONS)
def test_what_each_step_of_a_lesson_wrote(name: str) -> None:
    check(lesson(name))


@settings(max_examples=30)
@given(sessions(max_T=3))
def test_what_each_step_of_any_session_wrote(s: Session) -> None:
    check(s)


# ---------------------------------------------------------------- what is known


@pytest.mark.parametrize("name", ["i-love-cats", "hi-there-class-bptt", "batch", "hello"])
def test_forward_uncovers_one_value_after_the_other(name: str) -> None:
    """Each step makes known exactly what it wrote; the states before the window are known from the start."""
    s = lesson(name)
    forward = s.schedule.phases(1)[0]
    timeline = Timeline(s.run)
    snapshots = [observe(s, timeline, i) for i in range(len(forward.stops))]
    for before, after in pairwise(snapshots):
        for pane in ("hidden", "output"):
            for earlier, later in zip(before.panes[pane], after.panes[pane], strict=True):
                assert earlier.known is not None and later.known is not None and later.written is not None
                assert np.array_equal(later.known, earlier.known | later.written)
    for state in s.program.states:
        known = matrix(snapshots[0], "hidden", state).known
        assert known is not None and known[0].all() and not known[1:].any()
    assert all(m.known is None or m.known.all() for p in ("hidden", "output") for m in snapshots[-1].panes[p])
    for m in snapshots[-1].panes["gradients"]:
        assert m.known is not None and not m.known.any()


@pytest.mark.parametrize("name", ["hi-there-class-bptt", "hello"])
def test_backward_fills_the_gradients_and_the_running_sums(name: str) -> None:
    s = lesson(name)
    [_, backward, *_] = s.schedule.phases(1)
    timeline = Timeline(s.run)
    sums = {key: np.zeros(shape) for key, shape in s.program.parameters.items()}
    seen: dict[str, set[int]] = {}
    it = timeline.iteration(1)
    _ = it.gradients
    last = len(backward.stops) - 1
    for i in range(len(backward.stops)):
        place, equation = backward.stops[i]
        assert isinstance(place, int)
        seen.setdefault(equation, set()).add(place)
        for key, part in Step(it.tape, "backward", place, equation).adds.items():
            sums[key] = sums[key] + part
        snapshot = observe(s, timeline, backward.first + i)
        for key, total in sums.items():
            shown = matrix(snapshot, "gradients", f"∂{key}")
            np.testing.assert_allclose(shown.values.reshape(total.shape), total, rtol=1e-12, atol=1e-15)
            assert shown.note == ("total" if i == last else "running sum")
            if i == last:
                assert np.array_equal(np.ravel(shown.values), np.ravel(it.gradients[key])), "the one product"
        for m in snapshot.panes["gradients"]:
            name = m.key[1:]
            if m.kind == "over time" and name in seen:
                assert m.known is not None
                assert set(np.flatnonzero(m.known.all(axis=1))) == seen[name]
                assert set(np.flatnonzero(m.known.any(axis=1))) == seen[name]


def test_weights_are_replaced_one_after_the_other() -> None:
    """Up to the step that writes a parameter the old one is shown, from there on the new one."""
    s = lesson("hi-there-class-bptt")
    timeline = Timeline(s.run)
    update = timeline.iteration(1).update
    order = list(s.program.parameters)
    assert s.run.rule is not None
    phase = s.schedule.phases(1)[2]
    for i in range(len(phase.stops)):
        now, _ = phase.stops[i]
        snapshot = observe(s, timeline, phase.first + i)
        for k, name in enumerate(order):
            shown = matrix(snapshot, "weights", name)
            new = k <= order.index(str(now))
            source = update.parameters if new else update.before
            assert np.array_equal(np.ravel(shown.values), np.ravel(source[name]))
            frozen = name in s.run.rule.frozen
            assert shown.note == ("frozen" if frozen else "new" if new else "")
    for which in ("∂W_xh", "∂W_hh", "∂b_h", "∂W_hy", "∂b_y"):
        assert matrix(snapshot, "gradients", which).note == "total"


def test_tokens_targets_and_what_was_predicted() -> None:
    s = lesson("hello")
    timeline = Timeline(s.run)
    first = observe(s, timeline, 0)
    [tokens] = first.panes["inputs"]
    assert tokens.texts == (("h", "e"), ("e", "l"), ("l", "l"), ("l", "o"))
    assert tokens.columns == ("x", "y") and tokens.current == 0
    p = matrix(first, "output", "p")
    assert p.columns == ("e", "h", "l", "o") == s.dataset.vocabulary
    assert p.target == (0, 2, 2, 3) and p.chosen is None
    assert matrix(first, "weights", "W_xh").columns == ("e", "h", "l", "o")
    assert matrix(first, "weights", "W_hy").rows == ("e", "h", "l", "o")
    judged = observe(s, timeline, s.schedule.span("60:evaluate:4:p").start)
    assert matrix(judged, "output", "p").chosen == (0, 2, 2, 3)
    drawn = observe(s, timeline, s.schedule.span("60:generate:2:sample").start)
    assert matrix(drawn, "output", "p").chosen == (0, 2, None, None)
    [tokens] = drawn.panes["inputs"]
    assert tokens.texts is not None and tokens.known is not None
    assert [row[1] for row in tokens.texts] == list("ello")
    assert tokens.known.tolist() == [[True, True], [True, True], [False, False], [False, False]]


def test_targets_are_marked_only_in_an_output_that_is_over_their_classes() -> None:
    """Whole numbers that are no classes, a softmax of another size: no column stands for a target."""
    s = session(
        "p = softmax(W @ x)\nloss = squared_error(sum(p * p), y)",
        {"W": [[0.1, 0.2], [0.3, 0.4]]},
        data={"inputs": [[1, 2], [3, 4]], "targets": [7, 1]},
        evaluate=True,
    )
    for record, snapshot in walk(s):
        p = matrix(snapshot, "output", "p")
        assert p.target is None and p.chosen is None
        if record["phase"] == "evaluate" and record["equation"] == "p":
            assert record["predicted"] == record["values"]["p"]
    assert "accuracy" not in record["totals"]


def test_contributions_that_cancel_are_no_change() -> None:
    s = session("h = x * w - x * w + w\nloss = sum(h)", {"w": [1.0, 2.0]}, data={"inputs": [3, 4]})
    t = session("h = x * w - x * w\nloss = sum(h)", {"w": [1.0, 2.0]}, data={"inputs": [3, 4]})
    for which, changes in ((s, True), (t, False)):
        shown = observe(which, Timeline(which.run), which.schedule.span("1:backward:2:h").start)
        found = matrix(shown, "gradients", "∂w").written
        assert found is not None and found.all() == found.any() == changes


def test_each_sequence_of_a_batch_can_be_looked_at() -> None:
    s = lesson("batch")
    timeline = Timeline(s.run)
    last = s.schedule.total - 1
    tape = timeline.iteration(1).tape
    for k in range(5):
        snapshot = observe(s, timeline, last, k)
        assert snapshot.sequence == (k + 1, 5)
        assert np.array_equal(matrix(snapshot, "hidden", "h").values[1:], tape.value("h")[:, k])
    assert observe(s, timeline, last, 99).sequence == (5, 5)


def test_losses_up_to_here() -> None:
    s = lesson("hi-there-class-bptt")
    timeline = Timeline(s.run)
    for address, count in [
        ("1:forward:4:loss", 0),
        ("1:backward:4:z", 1),
        ("5:forward", 4),
        ("20:update", 20),
    ]:
        losses = observe(s, timeline, s.schedule.span(address).start).losses
        assert len(losses) == count
    assert losses[0] == pytest.approx(5.573534245472742) and losses[-1] < 4


def test_letters_do_not_matter() -> None:
    """`W`, `U`, `b` and `h` in one line: every pane has something to show."""
    s = session(
        "h = tanh(W @ x + U @ h[t-1] + b)\nloss = squared_error(h, y)",
        {"W": [[0.5, 0.1], [0.2, 0.3]], "U": [[0.1, 0.0], [0.0, 0.1]], "b": [0.0, 0.1]},
        data={"inputs": [[1, 2], [3, 4]], "targets": [[1, 0], [0, 1]]},
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}},
    )
    for _, snapshot in walk(s):
        assert all(snapshot.panes[pane] for pane in PANES)
    assert [m.key for m in snapshot.panes["hidden"]] == ["h"]
    assert snapshot.names["hidden"] == "hidden state h"


def test_a_long_window_is_observed_in_time_that_grows_with_it_and_no_faster() -> None:
    """Ten times the steps may cost ten times as much (and some noise), not a hundred times."""

    def cost(T: int) -> float:
        s = session(
            "a = W @ x + U @ h[t-1]\nh = tanh(a)\nz = V @ h\nloss = squared_error(z, y)",
            {"W": [[0.1] * 2] * 8, "U": [[0.01] * 8] * 8, "V": [[0.1] * 8] * 2},
            data={"inputs": [[0.1, 0.2]] * T, "targets": [[0.1, 0.2]] * T},
            training={"optimizer": {"name": "sgd", "learning_rate": 0.1}},
        )
        timeline = Timeline(s.run)
        middle = s.schedule.span("1:backward").start + 2 * T
        observe(s, timeline, middle)
        times = []
        for i in range(5):
            start = time.perf_counter()
            observe(s, timeline, middle + i)
            times.append(time.perf_counter() - start)
        return min(times)

    assert cost(2000) < 40 * cost(200)


LSTM = """
i = sigmoid(W_xi @ x + W_hi @ h[t-1] + b_i)
f = sigmoid(W_xf @ x + W_hf @ h[t-1] + b_f)
c = f * c[t-1] + i * tanh(W_xh @ x + b_h)
h = tanh(c)
z = W_hy @ h + b_y
loss = squared_error(z, y)
"""


def test_the_gates_of_a_cell_stand_side_by_side() -> None:
    """And nothing else does: `h` is a state and `y` the data, so W_xh and W_hy stay where they were."""
    shapes = {"W_x": [[0.5], [0.5]], "W_h": [[0.1, 0.2], [0.3, 0.4]], "b_": [0.0, 0.0]}
    parameters = {f"{kind}{gate}": value for gate in "if" for kind, value in shapes.items()}
    parameters |= {"W_xh": shapes["W_x"], "b_h": shapes["b_"], "W_hy": shapes["W_h"], "b_y": shapes["b_"]}
    data = {"inputs": [[1.0], [2.0]], "targets": [[0.0, 0.0], [1.0, 1.0]]}
    s = session(LSTM, parameters, data=data, training={"optimizer": {"name": "sgd", "learning_rate": 0.1}})
    snapshot = observe(s, Timeline(s.run), 0)
    order = ["W_xi", "W_xf", "W_hi", "W_hf", "b_i", "b_f", "W_xh", "b_h", "W_hy", "b_y"]
    assert [m.key for m in snapshot.panes["weights"]] == order
    assert [m.key[1:] for m in snapshot.panes["gradients"] if m.kind == "matrix"] == order


@pytest.mark.parametrize(
    "equations", ["h = tanh(W @ concat(h[t-1], x))", "v = concat(h[t-1], x)\nh = tanh(W @ v)"]
)
def test_the_columns_of_a_matrix_over_a_concatenation_are_named_by_its_parts(equations: str) -> None:
    data = {"vocabulary": ["a", "b"], "inputs": ["a", "b", "a"]}
    s = session(f"{equations}\nz = U @ h", {"W": [[0.1] * 4, [0.2] * 4], "U": [[1.0, 2.0]]}, data=data)
    snapshot = observe(s, Timeline(s.run), 0)
    assert matrix(snapshot, "weights", "W").columns == ("h0", "h1", "a", "b")
    assert matrix(snapshot, "weights", "U").columns == ("0", "1")


def test_a_note_of_blanks_is_none() -> None:
    """It would stand in the narration's place and say nothing."""

    def seen(s: Session) -> Snapshot:
        return observe(s, Timeline(s.run), 0)

    text, members = "h = 0.5 * h[t-1]", {"initial": {"h": 1.0}}
    plain = seen(session(text, **members))
    blank = session(
        text, notes=" \n ", marks=[{"address": "1:forward:1:h", "name": "m", "note": "  "}], **members
    )
    assert seen(blank).note == ""
    assert seen(blank).narration == plain.narration
