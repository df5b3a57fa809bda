"""What if: numbers set by hand. The run with them is the run of a fresh session that has them in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from rnn_engine.errors import EngineError, ReplayError
from rnn_engine.flow import itemise
from rnn_engine.gradcheck import check_gradients
from rnn_engine.observe import observe
from rnn_engine.panes import PANES
from rnn_engine.quantity import Cell
from rnn_engine.replay import Edit, dumps, loads
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import why
from rnn_tui.controller import Controller
from rnn_tui.lessons import find
from rnn_tui.questions import Spot
from tests.build import LESSONS, lesson, same, session, sessions
from tests.strategies import MOTIONS

BPTT = "hi-there-class-bptt"


def edited(name: str, *edits: Mapping[str, Any], **members: Any) -> Session:
    """A lesson with edits in its file."""
    document = json.loads(find(name).read_bytes())
    return Session(loads(json.dumps(document | {"edits": edits} | members).encode()))


def reopened(session: Session) -> Session:
    """What a person gets who saves it and opens it again."""
    data = dumps(session.to_replay())
    again = Session(loads(data))
    assert dumps(again.to_replay()) == data
    return again


def spots(controller: Controller) -> list[Spot]:
    """Every cell of the panes."""
    return [
        (pane, matrix.key, row, column)
        for pane in PANES
        for matrix in controller.snapshot.panes[pane]
        for row in range(matrix.values.shape[0])
        for column in range(matrix.values.shape[1])
    ]


def value_of(controller: Controller, spot: Spot) -> float:
    """What stands in a cell."""
    pane, key, row, column = spot
    return float(next(m for m in controller.snapshot.panes[pane] if m.key == key).values[row, column])


def marked(controller: Controller) -> set[Spot]:
    """The cells that are shown as set by hand."""
    found = set()
    for pane, key, row, column in spots(controller):
        matrix = next(m for m in controller.snapshot.panes[pane] if m.key == key)
        if matrix.edited is not None and matrix.edited[row, column]:
            found.add((pane, key, row, column))
    return found


# ---------------------------------------------------------------- any edits, any way


class WhatIf(RuleBasedStateMachine):
    """Edits, undo, redo and moves; at any time all is as in a fresh session with the same edits."""

    controller: Controller

    @initialize(session=sessions(max_T=3), budget=st.sampled_from([0, 1000, 10**6]))
    def begin(self, session: Session, budget: int) -> None:
        self.controller = Controller(session)
        self.controller.timeline = Timeline(session.run, budget)
        self.states = [dumps(session.to_replay())]
        self.at = 0

    def file(self) -> bytes:
        """The session without its cursor, which is no edit."""
        self.controller.session.cursor = 0
        return dumps(self.controller.session.to_replay())

    @rule(motion=st.sampled_from(MOTIONS), count=st.integers(1, 9))
    def move(self, motion: str, count: int) -> None:
        self.controller.move(motion, count)

    @rule(share=st.floats(0, 1))
    def seek(self, share: float) -> None:
        self.controller.go_to(f"#{round(share * (self.controller.schedule.total - 1))}")

    @rule(share=st.floats(0, 1), text=st.sampled_from(["0.5", "-1", "*2", "+=0.25", "null", "", "1"]))
    def edit(self, share: float, text: str) -> None:
        everywhere = spots(self.controller)
        assume(everywhere)
        spot = everywhere[round(share * (len(everywhere) - 1))]
        refused = self.controller.edit_refused(spot, text)
        said = self.controller.edit(spot, text)
        assert said == refused
        if not said:
            del self.states[self.at + 1 :]
            self.states.append(self.file())
            self.at += 1
            assert (spot in marked(self.controller)) == bool(text)
            if text in ("0.5", "-1", "1"):
                assert value_of(self.controller, spot) == float(text)

    @rule(data=st.data())
    def edit_a_token(self, data: st.DataObject) -> None:
        tokens = [s for s in spots(self.controller) if s[0] == "inputs"]
        vocabulary = self.controller.session.dataset.vocabulary
        if not tokens or not vocabulary:
            return
        spot = data.draw(st.sampled_from(tokens))
        if not self.controller.edit(spot, data.draw(st.sampled_from(vocabulary))):
            del self.states[self.at + 1 :]
            self.states.append(self.file())
            self.at += 1
            assert spot in marked(self.controller)

    @precondition(lambda self: self.at > 0)
    @rule()
    def undo(self) -> None:
        assert self.controller.undo().startswith("undone: ")
        self.at -= 1
        assert self.file() == self.states[self.at]
        assert self.controller.unsaved == (self.states[self.at] != self.states[0])

    @precondition(lambda self: self.at < len(self.states) - 1)
    @rule()
    def redo(self) -> None:
        assert self.controller.redo().startswith("done again: ")
        self.at += 1
        assert self.file() == self.states[self.at]

    @rule()
    def compare(self) -> None:
        fresh = reopened(self.controller.session)
        index, sequence, inner = self.controller.place
        assert same(self.controller.snapshot, observe(fresh, Timeline(fresh.run), index, sequence, inner))
        for number in range(1, fresh.schedule.iterations + 1):
            here, there = self.controller.timeline.iteration(number), Timeline(fresh.run).iteration(number)
            for name in fresh.program.equations:
                np.testing.assert_array_equal(here.tape.value(name), there.tape.value(name))
            if fresh.schedule.backward:
                assert same(dict(here.gradients), dict(there.gradients))
        if fresh.schedule.evaluate is not None:
            assert same(self.controller.timeline.ending().totals, Timeline(fresh.run).ending().totals)


TestWhatIf = WhatIf.TestCase
TestWhatIf.settings = settings(stateful_step_count=12)


# ---------------------------------------------------------------- what an edit does


@given(sessions(), st.data())
def test_an_edit_by_the_same_value_changes_no_bit(s: Session, data: st.DataObject) -> None:
    """Of what is computed forward; but a softmax that is set is no longer taken together with its loss."""
    together = {e.name for e in s.program.equations.values() if e.root in s.run.plan.fused.values()}
    before = Timeline(s.run).iteration(1).tape
    name = data.draw(st.sampled_from(sorted(set(s.program.equations) - together)))
    t, b = data.draw(st.integers(1, before.T)), data.draw(st.integers(0, before.B - 1))
    gaps = before.undefined(name)
    assume(gaps is None or not gaps[t - 1, b])
    index = (0,) if s.program.shapes[name] else ()
    value = float(before.value(name)[t - 1, b, 0])
    edit = Edit(address=f"1:forward:{t}:{name}", index=index, sequence=b + 1, value=value)
    assume(before.padding is None or not before.padding[t - 1, b])
    after = Timeline(s.with_edits((edit,))).iteration(1).tape
    for equation in s.program.equations:
        np.testing.assert_array_equal(after.value(equation), before.value(equation))


@pytest.mark.parametrize("name", LESSONS)
def test_gradients_are_those_of_differences_whatever_is_set(name: str) -> None:
    """So no gradient passes what is set; and the terms of every number still add up."""
    plain = lesson(name)
    for equation in plain.program.equations:
        T = Timeline(plain.run).iteration(1).tape.T
        gaps = Timeline(plain.run).iteration(1).tape.undefined(equation)
        t = next((t for t in range(T // 2, T) if gaps is None or not gaps[t, 0]), None)
        if t is None:
            continue
        index = [0] if plain.program.shapes[equation] else []
        s = edited(name, {"address": f"1:forward:{t + 1}:{equation}", "index": index, "value": 0.3})
        found = check_gradients(s)
        assert found is None or found.relative < 1e-7, equation
        timeline = Timeline(s.run)
        tape = timeline.iteration(1).tape
        assert tape.value(equation)[t, 0, 0] == 0.3
        root = why(s, timeline, Cell("value", 1, equation, tuple(index), t + 1))
        assert (root.value, root.terms) == (0.3, ())
        assert "is set by hand" in root.rule
        if equation not in tape.plan.objective:
            continue
        _ = timeline.iteration(1).gradients
        assert tape.inner_gradient(s.program.equations[equation].root)[t, 0, 0] == 0.0
        for k in (name for _, names in tape.plan.backward_order for name in names):
            cell = Cell("gradient", 1, k, (0,) if s.program.shapes[k] else (), t + 1)
            answer = why(s, timeline, cell)
            assert abs(answer.rounding) < 1e-9 * max(1.0, abs(answer.value)), cell
        flow = itemise(timeline.iteration(1))
        assert flow is None or flow.remainder < 1e-9


def test_what_a_set_value_changes_and_what_not() -> None:
    plain, s = lesson(BPTT), edited(BPTT, {"address": "3:forward:2:h", "index": [0], "value": 0.9})
    before, after = list(records(plain)), list(records(s))
    changed = [b["address"] for a, b in zip(before, after, strict=True) if a != b]
    assert changed[:3] == ["3:forward:2:h", "3:forward:2:z", "3:forward:2:p"]
    assert "3:forward:1:h" not in changed
    assert not [a for a in changed if a.startswith(("1:", "2:"))]
    assert changed[-1].startswith("20:")


def test_keyframes_and_iterations_before_an_edit_stay() -> None:
    controller = Controller(lesson("hello"))
    controller.move("end")
    controller.go_to("40:forward:2:h")
    before = controller.timeline
    assert controller.edit(("hidden", "h", 2, 0), "0.5") == ""
    after = controller.timeline
    assert set(after._keyframes) == {k for k in before._keyframes if k <= 40}
    assert all(after._keyframes[k] is before._keyframes[k] for k in after._keyframes)
    assert list(after.losses(39)) == list(before.losses(39))
    assert after.losses(40) != before.losses(40)


def test_a_parameter_is_set_at_the_beginning_of_its_iteration_and_learned_on() -> None:
    plain, s = (
        lesson(BPTT),
        edited(BPTT, {"parameter": "W_hh", "iteration": 5, "index": [0, 0], "value": 2.0}),
    )
    there, here = Timeline(plain.run), Timeline(s.run)
    assert here.iteration(4).update.parameters["W_hh"] == there.iteration(4).update.parameters["W_hh"]
    assert here.iteration(5).before.parameters["W_hh"] == 2.0
    moved = here.iteration(5).update.parameters["W_hh"]
    assert moved == 2.0 - 0.1 * here.iteration(5).gradients["W_hh"]
    assert here.iteration(6).before.parameters["W_hh"] == moved
    answers = [why(s, here, Cell("parameter", k, "W_hh", (0, 0))).rule for k in (4, 5, 6)]
    assert answers[1] == "W_hh is set by hand at the beginning of iteration 5"
    assert "by hand" not in answers[0] + answers[2]


def test_a_parameter_that_nothing_updates_stays_what_it_is_set_to() -> None:
    s = session(
        "h = tanh(w * h[t-1] + x)", {"w": 0.5}, data={"inputs": [1.0, 2.0]},
        edits=[{"parameter": "w", "iteration": 2, "value": -1.0}], training={"epochs": 4},
    )  # fmt: skip
    timeline = Timeline(s.run)
    assert [float(timeline.iteration(k).before.parameters["w"]) for k in (1, 2, 4)] == [0.5, -1.0, -1.0]
    assert why(s, timeline, Cell("parameter", 4, "w")).value == -1.0
    marks = [Controller(s) for _ in (1, 4)]
    for controller, number in zip(marks, (1, 4), strict=True):
        controller.go_to(f"{number}:forward")
    assert [bool(marked(c)) for c in marks] == [False, True]


def test_an_update_that_looks_two_iterations_back_sees_the_parameter_that_was_set() -> None:
    text = ["w = 2 * w[i-1] - w[i-2] - learning_rate * g"]
    s = session(
        "loss = half_squared_error(w * x, y)", {"w": 0.5}, data={"inputs": [1.0], "targets": [0.25]},
        training={"optimizer": {"equations": text, "learning_rate": 0.5}, "iterations": 5},
        edits=[{"parameter": "w", "iteration": 3, "value": 4.0}],
    )  # fmt: skip
    timeline = Timeline(s.run)
    w = [float(timeline.iteration(k).before.parameters["w"]) for k in range(1, 6)]
    g = [float(timeline.iteration(k).gradients["w"]) for k in range(1, 6)]
    assert w[2] == 4.0
    assert w[3] == 2 * 4.0 - w[1] - 0.5 * g[2]
    assert w[4] == 2 * w[3] - 4.0 - 0.5 * g[3]


def test_data_are_set_in_every_epoch_and_in_the_evaluation() -> None:
    s = edited(BPTT, {"input": 2, "value": "hi"}, {"target": 3, "value": None}, evaluate=True)
    timeline = Timeline(s.run)
    for tape in (timeline.iteration(1).tape, timeline.iteration(20).tape, timeline.ending().tape):
        assert tape.x is not None and tape.x.classes is not None
        assert tape.x.classes[:, 0].tolist() == [0, 0, 2, 3]
        gaps = tape.undefined("loss")
        assert gaps is not None and gaps[:, 0].tolist() == [False, False, True, False]
    rule = why(s, timeline, Cell("data", 1, "x", (0,), 2)).rule
    assert rule == "x is data, set by hand"


def test_initial_states_given_and_learned() -> None:
    given = edited(BPTT, {"initial": "h", "index": [0], "value": 0.5})
    assert Timeline(given.run).iteration(1).tape.initial("h")[-1, 0, 0] == 0.5
    answer = why(given, Timeline(given.run), Cell("value", 1, "h", (0,), 0))
    assert answer.rule == "h begins with this value, set by hand"
    training = {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "iterations": 6, "train_initial": ["h"]}
    learned = edited(BPTT, {"parameter": "h[0]", "iteration": 3, "value": 0.5}, training=training, marks=[])
    begins = [float(Timeline(learned.run).iteration(k).tape.initial("h")[-1, 0, 0]) for k in (2, 3, 4)]
    assert begins[1] == 0.5 and begins[0] != 0.5 and begins[2] != 0.5


def test_evaluation_and_generation_follow_and_can_be_set_themselves() -> None:
    last = lesson("hello").schedule.iterations
    weight = edited("hello", {"parameter": "b_y", "iteration": last + 1, "index": [0], "value": 50.0})
    assert set(Timeline(weight.run).ending().generated.draws) <= {None, 0}
    s = edited("hello", {"address": f"{last}:generate:2:p", "index": [0], "value": 9.0})
    plain, drawn = Timeline(lesson("hello").run).ending().generated, Timeline(s.run).ending().generated
    assert drawn.tape(1).value("p")[0, 0, 0] == 9.0
    assert drawn.draws[1] == 0 != plain.draws[1]
    assert drawn.draws[0] == plain.draws[0]
    s = edited(BPTT, {"address": "20:evaluate:2:h", "value": 0.75}, evaluate=True)
    evaluated, trained = Timeline(s.run).ending().tape, Timeline(s.run).iteration(20).tape
    assert evaluated.value("h")[1, 0, 0] == 0.75 != trained.value("h")[1, 0, 0]


def test_what_is_handed_to_the_next_window_is_marked_there_and_set_where_it_was_made() -> None:
    controller = Controller(lesson("truncated-bptt"))
    first, second = controller.schedule.windows[:2]
    assert not second.fresh
    controller.go_to(f"2:forward:{second.start + 1}:a")
    matrix = next(m for m in controller.snapshot.panes["hidden"] if m.key == "h")
    row = matrix.rows.index(str(first.stop))
    assert controller.edit(("hidden", "h", row, 0), "0.5") == ""
    [edit] = controller.session.edits
    assert edit.address == f"1:forward:{first.stop}:h"
    assert ("hidden", "h", row, 0) in marked(controller)


def test_two_steps_back_from_a_window_of_one() -> None:
    """What the second window reads of before the first time step is what was given, and is set as that."""
    members = {"data": {"steps": 4}, "training": {"window": 1}, "initial": {"h": 1.0, "h[-1]": 2.0}}
    controller = Controller(session("h = a * h[t-1] + b * h[t-2]", {"a": 0.5, "b": 0.25}, **members))
    controller.go_to("2:forward:2:h")
    [matrix] = controller.snapshot.panes["hidden"]
    assert matrix.rows == ("0", "1", "2")
    for row, text in ((0, "8"), (1, "4")):
        assert controller.edit(("hidden", "h", row, 0), text) == ""
        assert value_of(controller, ("hidden", "h", row, 0)) == float(text)
    assert [(edit.initial, edit.address) for edit in controller.session.edits] == [
        ("h", None),
        (None, "1:forward:1:h"),
    ]
    shown = {(row, column) for pane, _, row, column in marked(controller) if pane == "hidden"}
    assert shown == {(0, 0), (1, 0)}
    controller.move("iteration_back")
    shown = {(row, column) for pane, _, row, column in marked(controller) if pane == "hidden"}
    assert shown == {(1, 0), (2, 0)}
    asked = why(controller.session, controller.timeline, Cell("value", 2, "h", (), 0))
    assert (asked.value, asked.rule) == (8.0, "h begins with this value, set by hand")


# ---------------------------------------------------------------- where it shows


def test_a_set_value_says_so_wherever_it_shows() -> None:
    controller = Controller(edited(BPTT, {"address": "3:forward:2:h", "index": [0], "value": 0.9}))
    controller.go_to("3:forward:2:h")
    snapshot = controller.snapshot
    assert snapshot.edits == 1
    assert marked(controller) == {("hidden", "h", 2, 0)}
    assert snapshot.narration[0].startswith("h[2][0] is set by hand.")
    assert snapshot.formula.result == "= -0.366197, set by hand: 0.9"
    controller.go_to("3:backward:2:h")
    assert controller.snapshot.narration[0].startswith("No gradient passes h[2][0]: set by hand.")
    controller.move("step")
    assert controller.snapshot.formula.result == "= 0"
    assert controller.snapshot.formula.numbers[0].startswith("0 * ")
    sent = why(controller.session, controller.timeline, Cell("gradient", 3, "a", (0,), 2))
    assert "set by hand: nothing passes" in sent.terms[0].text
    controller.go_to("4:forward:2:h")
    assert not marked(controller)


def test_a_weight_and_data_say_so() -> None:
    controller = Controller(
        edited(
            BPTT,
            {"parameter": "W_xh", "iteration": 4, "index": [0, 2], "value": 0.5},
            {"input": 2, "value": "!"},
        )
    )
    controller.go_to("3:update:W_xh:w")
    assert controller.snapshot.narration[0].startswith("Then W_xh[0,class] is set by hand.")
    assert ("weights", "W_xh", 0, 2) in marked(controller)
    assert controller.cell_at(("weights", "W_xh", 0, 2)) == Cell("parameter", 4, "W_xh", (0, 2))
    for place, shown in (("4:forward:2:a", True), ("4:update:W_xh:w", False), ("5:forward:1:a", False)):
        controller.go_to(place)
        assert (("weights", "W_xh", 0, 2) in marked(controller)) == shown
        assert ("inputs", "x", 1, 0) in marked(controller)
    controller.go_to("4:forward:2:a")
    assert controller.snapshot.narration[0].startswith("x[2] is set by hand.")


# ---------------------------------------------------------------- what does not fit


@pytest.mark.parametrize(
    ("edit", "path", "words"),
    [
        ({"address": "3:forward:9:h", "value": 1}, "address", "there is no time step 9 here"),
        ({"address": "21:forward:1:h", "value": 1}, "address", "there is no iteration 21"),
        ({"address": "3:forward:2:k", "value": 1}, "address", "no stop 'k'"),
        ({"address": "3:forward:2:h", "index": [1], "value": 1}, "index", "h is 1; expected [0] to [0]"),
        ({"address": "3:forward:2:loss", "index": [0], "value": 1}, "index", "loss is one number"),
        ({"address": "3:forward:2:p", "value": 1}, "index", "p is 4; expected [0] to [3]"),
        ({"address": "3:forward:2:h", "sequence": 2, "value": 1}, "sequence", "expected 1 to 1"),
        ({"address": "3:evaluate:2:h", "value": 1}, "address", "has no phase 'evaluate'"),
        ({"parameter": "W_hx", "value": 1}, "parameter", 'no parameter "W_hx"; did you mean'),
        ({"parameter": "W_xh", "index": [0], "value": 1}, "index", "W_xh is 1×4; expected [0, 0] to [0, 3]"),
        ({"parameter": "W_hh", "iteration": 22, "value": 1}, "iteration", "1 to 20, or 21 for what follows"),
        ({"parameter": "W_hh", "sequence": 2, "value": 1}, "sequence", "belongs to all sequences"),
        ({"input": 5, "value": "hi"}, "input", "there is no time step 5; expected 1 to 4"),
        ({"input": 2, "value": "clas"}, "value", 'not in the vocabulary; did you mean "class"?'),
        ({"input": 2, "value": 1}, "value", "expected a token"),
        ({"target": 2, "index": [0], "value": "hi"}, "index", "stands for the whole"),
        ({"input": 2, "sequence": 2, "value": "hi"}, "sequence", "expected 1 to 1"),
        ({"initial": "k", "value": 1}, "initial", 'no state "k"'),
        ({"initial": "h[-1]", "value": 1}, "initial", "the deepest that is read is h"),
        ({"initial": "h", "sequence": 2, "value": 1}, "sequence", "belongs to all sequences"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(edit: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ReplayError) as caught:
        edited(BPTT, edit)
    assert caught.value.path == f"$.edits[0].{path}"
    assert words in caught.value.what


def test_more_of_what_does_not_fit() -> None:
    def refused(*edits: Mapping[str, Any], name: str = BPTT, **members: Any) -> str:
        with pytest.raises(EngineError) as caught:
            edited(name, *edits, **members)
        return str(caught.value)

    twice = {"input": 2, "value": "hi"}
    assert refused(twice, twice) == "$.edits[1]: sets the same number as $.edits[0]; expected each once"
    once = {"address": "1:forward:1:h", "value": 1}
    assert "same number" in refused(once, once | {"index": [0]})
    no_target = {"target": 2, "value": None}
    assert "no target at t=2, so loss has no value" in refused(
        no_target, {"address": "1:forward:2:loss", "value": 1}
    )
    last = lesson("hello").schedule.iterations
    assert "a draw follows" in refused({"address": f"{last}:generate:1:sample", "value": 1}, name="hello")
    with pytest.raises(EngineError, match="no target, so none of its elements"):
        session(
            "loss = squared_error(w * x, y)", {"w": [1.0, 2.0]}, edits=[{"target": 1, "index": [0], "value": 1}],
            data={"inputs": [1.0, 2.0], "targets": [None, [0.0, 1.0]]},
        )  # fmt: skip
    with pytest.raises(EngineError, match="depends on the targets"):
        session(
            "h = y + h[t-1]\nloss = squared_error(w * h, y)", {"w": 1.0}, edits=[{"target": 1, "value": None}],
            data={"targets": [0.5, 1.0]},
        )  # fmt: skip
    with pytest.raises(EngineError, match="is over after t=1"):
        session(
            "h = tanh(w * x + h[t-1])", {"w": 1.0},
            data={"sequences": [{"inputs": [1.0, 2.0]}, {"inputs": [1.0]}], "batch": 2},
            edits=[{"address": "1:forward:2:h", "sequence": 2, "value": 1}],
        )  # fmt: skip


def test_float32() -> None:
    """What is set is a number of the run: the float32 nearest to what was typed."""
    s = edited("hello", {"address": "3:forward:2:h", "index": [0], "value": 0.1}, dtype="float32")
    timeline = Timeline(s.run)
    assert timeline.iteration(3).tape.value("h")[1, 0, 0] == np.float32(0.1)
    assert why(s, timeline, Cell("value", 3, "h", (0,), 2)).exact == 0.1
    controller = Controller(s)
    controller.go_to("4:forward:1:a")
    assert controller.edit(("weights", "b_h", 0, 0), "0.3") == ""
    assert controller.why(Cell("parameter", 4, "b_h", (0,))).exact == 0.3  # type: ignore[union-attr]
    prompt = controller.edit_prompt(("weights", "b_h", 0, 0))
    assert not isinstance(prompt, str) and prompt.present == "0.3"
    assert "1e+39 is beyond float32" in controller.edit(("weights", "b_h", 0, 0), "1e39")
    fresh = reopened(controller.session)
    assert same(controller.snapshot, observe(fresh, Timeline(fresh.run), controller.index))


def test_a_softmax_set_by_hand_says_so_where_its_gradient_would_pass() -> None:
    """It has no stop of its own on the way back: what is cut shows at the stop that follows it."""
    edit = {"address": "1:forward:4:p", "index": [0], "value": 0.5}
    controller = Controller(edited(BPTT, edit))
    assert controller.go_to("1:backward:4:z") == ""
    shown, said = controller.snapshot, "No gradient passes p[4][hi]: set by hand."
    assert shown.formula.symbols == "∂z = p * (∂p - sum(∂p * p))"
    assert shown.narration[0].startswith(said) and shown.note.startswith(said)
    assert controller.go_to("1:backward:3:z") == ""
    assert said not in controller.snapshot.narration[0]
    timeline = controller.timeline
    cut = parse_cell(controller.session, timeline, "1:backward:4:z", "∂p[4][hi]")
    terms = why(controller.session, timeline, replace(cut, name="z", index=(0,))).terms
    assert [term.label for term in terms if "set by hand: nothing passes" in term.text] == ["∂p[4][hi]"]
    assert [term.label for term in terms if term.value] == ["∂p[4][!]"], "the target's"
