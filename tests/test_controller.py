"""The controller: motions and their counts, places in words, marks, saving; all without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_engine.errors import EngineError, ReplayError
from rnn_engine.session import Session
from rnn_tui.controller import Controller
from tests.build import lesson, session, sessions
from tests.strategies import MOTIONS, walks


def controller(name: str = "hi-there-class-bptt", at: str = "") -> Controller:
    c = Controller(lesson(name))
    if at:
        assert c.go_to(at) == ""
    return c


def would_lose(c: Controller) -> bool:
    return c.unsaved


def address(c: Controller) -> str:
    assert c.snapshot.address == str(c.schedule.address(c.index))
    return c.snapshot.address


# ---------------------------------------------------------------- motions


@pytest.mark.parametrize(
    ("start", "motion", "count", "end"),
    [
        ("1:forward:1:a", "step", 1, "1:forward:1:h"),
        ("1:forward:1:loss", "step", 1, "1:forward:2:a"),
        ("1:forward:4:loss", "step", 1, "1:backward:4:loss"),
        ("1:update:b_y:w", "step", 1, "2:forward:1:a"),
        ("1:forward:1:a", "step", 41, "2:forward:1:a"),
        ("2:forward:1:a", "step_back", 1, "1:update:b_y:w"),
        ("1:forward:1:h", "step_back", 5, "1:forward:1:a"),
        ("20:update:b_y:w", "step_back", 1, "20:update:W_hy:w"),
        ("1:forward:1:h", "time", 1, "1:forward:2:h"),
        ("1:forward:1:h", "time", 2, "1:forward:3:h"),
        ("1:forward:1:h", "time", 9, "1:forward:4:h"),
        ("1:forward:4:h", "time_back", 3, "1:forward:1:h"),
        ("1:backward:4:h", "time", 1, "1:backward:3:h"),
        ("1:backward:1:h", "time_back", 2, "1:backward:3:h"),
        ("1:update:W_xh:w", "time", 2, "1:update:b_h:w"),
        ("1:update:b_y:w", "time_back", 9, "1:update:W_xh:w"),
        ("1:forward:3:h", "phase", 1, "1:backward:4:loss"),
        ("1:forward:3:h", "phase", 2, "1:update:W_xh:w"),
        ("1:forward:3:h", "phase", 3, "2:forward:1:a"),
        ("1:backward:3:h", "phase_back", 1, "1:backward:4:loss"),
        ("1:backward:4:loss", "phase_back", 1, "1:forward:1:a"),
        ("2:forward:1:a", "phase_back", 1, "1:update:W_xh:w"),
        ("20:update:W_hy:w", "phase_back", 99, "1:forward:1:a"),
        ("1:backward:3:h", "iteration", 1, "2:backward:3:h"),
        ("1:backward:3:h", "iteration", 99, "20:backward:3:h"),
        ("20:update:b_y:w", "iteration_back", 19, "1:update:b_y:w"),
        ("7:forward:2:p", "home", 1, "1:forward:1:a"),
        ("7:forward:2:p", "end", 1, "20:update:b_y:w"),
        ("1:forward:1:a", "mark_next", 1, "1:forward:3:loss"),
        ("1:forward:3:loss", "mark_next", 2, "1:backward:3:h"),
        ("1:backward:3:a", "mark_back", 1, "1:backward:3:h"),
        ("1:backward:3:h", "mark_back", 2, "1:forward:3:loss"),
    ],
)
def test_motions(start: str, motion: str, count: int, end: str) -> None:
    c = controller(at=start)
    assert c.move(motion, count) == ""
    assert address(c) == end


@pytest.mark.parametrize(
    ("start", "motion", "words"),
    [
        ("20:update:b_y:w", "step", "already at the last step"),
        ("1:forward:1:a", "step_back", "already at the first step"),
        ("1:forward:4:h", "time", "no further time step in this phase"),
        ("1:forward:1:h", "time_back", "no earlier time step in this phase"),
        ("1:backward:1:h", "time", "no further time step in this phase"),
        ("1:backward:4:h", "time_back", "no earlier time step in this phase"),
        ("20:update:W_xh:w", "phase", "already in the last phase"),
        ("1:forward:1:a", "phase_back", "already in the first phase"),
        ("20:forward:1:a", "iteration", "already in the last iteration"),
        ("1:forward:1:a", "iteration_back", "already in the first iteration"),
        ("20:forward:4:loss", "mark_next", "no mark further on"),
        ("1:forward:1:a", "mark_back", "no mark before this"),
        ("1:forward:1:a", "sequence", "there is one sequence only"),
    ],
)
def test_motions_that_lead_nowhere_say_so_and_stay(start: str, motion: str, words: str) -> None:
    c = controller(at=start)
    said = c.move(motion)
    assert said.startswith(words)
    assert ";" in said, "a refusal says what would work instead"
    assert address(c) == start


def test_home_and_end_of_one_who_is_there() -> None:
    c = controller()
    assert c.move("home") == "" and c.index == 0
    c.move("end")
    assert c.move("end") == "" and c.index == c.schedule.total - 1


def test_a_session_without_training_has_one_phase() -> None:
    c = controller("i-love-cats")
    assert c.move("phase").startswith("this session has one phase only")
    assert c.move("iteration").startswith("this session has one iteration only")
    assert c.move("mark_next") == ""
    blank = Controller(session("h = h[t-1] + 1"))
    assert blank.move("mark_next") == blank.move("mark_back") == "there are no marks; m sets one"


def test_the_same_time_step_in_windows_of_other_lengths() -> None:
    """Where an iteration has no such stop, its phase's first is taken."""
    s = session("h = h[t-1] + x", data={"inputs": [1, 2, 3]}, training={"window": 2, "epochs": 2})
    c = Controller(s)
    c.go_to("1:forward:2:h")
    assert c.move("iteration") == "" and address(c) == "2:forward:3:h"
    assert c.move("iteration") == "" and address(c) == "3:forward:1:h"


def test_the_end_of_the_run_belongs_to_its_last_iteration() -> None:
    c = controller("hello", "60:evaluate:2:h")
    assert c.move("phase") == "" and address(c) == "60:generate:1:a"
    assert c.move("time", 3) == "" and address(c) == "60:generate:4:a"
    assert c.move("iteration_back") == "" and address(c) == "59:forward:1:a"
    assert c.move("phase_back") == "" and address(c) == "58:update:W_xh:g"


def test_sequences_of_a_batch() -> None:
    c = controller("batch")
    seen = []
    for _ in range(6):
        seen.append(c.snapshot.sequence[0])
        assert c.move("sequence") == ""
    assert seen == [1, 2, 3, 4, 5, 1]
    assert c.move("sequence_back", 3) == ""
    assert c.snapshot.sequence[0] == 4
    assert c.index == 0


@settings(max_examples=30)
@given(sessions(max_T=3), walks())
def test_no_walk_leaves_the_run(s: Session, walk: list[tuple[str, int]]) -> None:
    """A motion moves, or says why not."""
    c = Controller(s)
    for motion, count in walk:
        before = (c.index, c.sequence)
        said = c.move(motion, count)
        assert 0 <= c.index < s.schedule.total
        if said:
            assert (c.index, c.sequence) == before
        if not said and motion.removesuffix("_back") in ("step", "time"):
            back = motion.removesuffix("_back") if motion.endswith("_back") else f"{motion}_back"
            moved = abs(c.index - before[0])
            if moved == count and motion.startswith("step"):
                c.move(back, count)
                assert c.index == before[0], "back undoes forth"
                c.move(motion, count)


def test_every_motion_of_the_strategies_is_one_of_the_controller() -> None:
    c = controller()
    for motion in MOTIONS:
        c.move(motion)
    with pytest.raises(KeyError):
        c.move("sideways")


# ---------------------------------------------------------------- places in words


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        ("2:backward:4:h", "3", "2:backward:3:h"),
        ("2:forward:1:p", "4", "2:forward:4:p"),
        ("2:update:b_h:w", "3", "2:forward:3:a"),
        ("1:forward:1:a", "#0", "1:forward:1:a"),
        ("1:forward:1:a", "#41", "2:forward:1:a"),
        ("1:forward:1:a", "12:backward:3:h", "12:backward:3:h"),
        ("1:forward:1:a", " 12:backward:3:h ", "12:backward:3:h"),
        ("1:forward:1:a", "12:backward", "12:backward:4:loss"),
        ("1:forward:1:a", "12:", "12:forward:1:a"),
        ("1:forward:1:a", "5:update:W_hy", "5:update:W_hy:w"),
        ("5:forward:1:a", "0%", "1:forward:1:a"),
        ("5:forward:1:a", "100%", "20:update:b_y:w"),
        ("5:forward:1:a", "home", "1:forward:1:a"),
        ("5:forward:1:a", "end", "20:update:b_y:w"),
        ("5:forward:1:a", "END", "20:update:b_y:w"),
        ("5:forward:1:a", " Home ", "1:forward:1:a"),
        ("5:forward:1:a", "100 %", "20:update:b_y:w"),
    ],
)
def test_places_in_words(start: str, text: str, end: str) -> None:
    c = controller(at=start)
    assert c.go_to(text) == ""
    assert address(c) == end


def test_half_way() -> None:
    c = controller(at="50%")
    assert abs(c.index - c.schedule.total / 2) <= 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "",
            "is no place; expected 3 (time step), #120, 12:backward:3:h, 50%, end, or a number such as h[3][0]",
        ),
        ("nowhere", "is no place"),
        ("-1", "is no place"),
        ("1.5", "is no place"),
        ("3 4", "is no place"),
        ("#", "is no place"),
        ("#820", "there is no step #820; expected #0 to #819"),
        ("#99999999999", "there is no step"),
        ("101%", "101% is beyond the end"),
        ("%", "is no place"),
        ("0", "there is no time step 0 here; expected 1 to 4"),
        ("5", "there is no time step 5 here; expected 1 to 4"),
        ("21:forward:1:a", "there is no iteration 21; expected 1 to 20"),
        ("1:sideways", "has no phase 'sideways'"),
        ("1:forward:9:a", "there is no time step 9 here"),
        ("1:forward:1:q", "has no stop 'q'"),
        (":::", "is no address"),
        ("9" * 500, "is no place"),
    ],
)
def test_places_that_are_none(text: str, words: str) -> None:
    c = controller(at="3:forward:2:h")
    assert words in c.go_to(text)
    assert address(c) == "3:forward:2:h"


@given(st.text(alphabet="0123456789#%:.aforwdbckeniht -", max_size=20))
def test_any_text_is_a_place_or_refused_in_words(text: str) -> None:
    c = Controller(lesson("hi-there"))
    said = c.go_to(text)
    assert "\n" not in said
    assert 0 <= c.index < c.schedule.total


def test_a_long_way_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    c = controller("alternating-bits")
    steps = iter([False] * 50 + [True])
    monkeypatch.setattr(c._stop, "is_set", lambda: next(steps))
    assert c.go_to("5000:") == "stopped at iteration 51"
    assert c.index == 0
    monkeypatch.undo()
    c.cancel()
    assert c.go_to("60:") == "", "what is stopped is the way one is on, not the next"


# ---------------------------------------------------------------- marks and files


def test_marks_are_set_replaced_and_listed_in_time() -> None:
    c = controller(at="2:forward:1:a")
    before = c.marks()
    assert not would_lose(c)
    assert c.add_mark("here", "a note") == ""
    assert would_lose(c)
    assert c.snapshot.note == "a note"
    assert c.snapshot.timeline.marks[-2:-1] == ((41, "here"),)
    c.add_mark("there", "another")
    assert c.snapshot.note == "another"
    assert len(c.marks()) == len(before) + 1
    places = [c.schedule.span(a).start for a, _, _ in c.marks()]
    assert places == sorted(places)


def test_moving_is_no_change() -> None:
    c = controller()
    for motion in MOTIONS:
        c.move(motion)
    c.go_to("5:backward:2:h")
    assert not c.unsaved


def test_saving_keeps_marks_and_the_place(tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    c = controller(at="3:backward:2:h")
    assert not c.path
    with pytest.raises(ReplayError, match="no file name"):
        c.save()
    c.add_mark("mine", "a note\x1b[31m")
    assert c.save(str(target)) == str(target)
    assert c.path == str(target)
    assert not would_lose(c)
    again = Controller.open(str(target))
    assert again.index == c.index
    assert again.marks() == c.marks()
    assert again.snapshot.note == "a note\x1b[31m"
    first = target.read_bytes()
    assert again.save() == str(target)
    assert target.read_bytes() == first


def test_a_file_that_cannot_be_saved_changes_nothing(tmp_path: Path) -> None:
    c = controller()
    c.add_mark("mine")
    with pytest.raises(EngineError):
        c.save(str(tmp_path / "missing" / "file.json"))
    assert c.unsaved
    assert list(tmp_path.iterdir()) == []


def test_what_no_file_may_take_the_place_of_is_said_at_once(tmp_path: Path) -> None:
    c = controller()
    with pytest.raises(ReplayError, match="a directory; expected a file"):
        c.save(str(tmp_path))
    with pytest.raises(ReplayError, match="cannot be saved"):
        c.save("~no-such-user-here/a.json")
    (tmp_path / "theirs.json").write_text("theirs")
    with pytest.raises(ReplayError) as caught:
        c.save(str(tmp_path / "theirs.json"))
    assert str(caught.value) == "there is such a file already; Enter once more replaces it"
    assert c.save(str(tmp_path / "theirs.json"))


def test_a_session_opens_where_its_cursor_says(tmp_path: Path) -> None:
    c = Controller(session("h = h[t-1] + 1", cursor="1:forward:4:h"))
    assert address(c) == "1:forward:4:h"
    for wrong in ("2:forward:1:h", "1:forward:6:h", "1:backward:1:h"):
        with pytest.raises(ReplayError, match=r"\$\.cursor"):
            session("h = h[t-1] + 1", cursor=wrong)
        with pytest.raises(ReplayError, match=r"\$\.marks\[0\]\.address"):
            session("h = h[t-1] + 1", marks=[{"address": wrong}])


@pytest.mark.parametrize(
    ("text", "end", "spot"),
    [
        ("h[2][0]", "1:forward:2:h", ("hidden", "h", 2, 0)),
        ("∂z[4][!]", "1:backward:4:z", ("gradients", "∂z", 3, 3)),
        ("dz[4][3]", "1:backward:4:z", ("gradients", "∂z", 3, 3)),
        ("∂W_hh[0,0] so far", "1:backward:3:h", ("gradients", "∂W_hh", 0, 0)),
        ("x[2]", "1:backward:3:h", ("inputs", "x", 1, 0)),
        ("1:backward:2:W_hh", "1:backward:2:a", None),
        ("1:backward:2:b_y", "1:backward:2:z", None),
        ("1:backward:2:∂h", "1:backward:2:h", None),
    ],
)
def test_a_number_or_a_parameter_leads_to_the_step_that_makes_it(
    text: str, end: str, spot: tuple[str, str, int, int] | None
) -> None:
    c = controller(at="1:backward:3:h")
    assert c.go_to(text) == ""
    assert address(c) == end
    assert c.spot_named(text) == spot


def test_a_parameter_has_no_stop_on_the_way_forward_and_who_reads_it_is_said() -> None:
    assert "W_hh is used by a; expected a, h, z, p, loss" in controller().go_to("1:forward:2:W_hh")


def test_what_is_no_number_is_refused_with_what_there_is() -> None:
    assert controller().go_to("h[9][0]") == "'h[9][0]': there is no time step 9 of h here; expected 0 to 4"
    assert controller().go_to("h[2][9]").endswith(": h is a vector of 1; expected h[0], or h[1][0]")
    spelled = controller("hello").go_to("h[9][9]")
    assert spelled.endswith(": h is a vector of 4; expected h[0] to h[3], or h[1][0] to h[1][3]")


def test_a_number_that_is_typed_is_found_and_an_address_goes_on_with_parameters() -> None:
    c = controller(at="1:backward:3:h")
    [found, *_] = c.continued("dz[4, 3]")
    assert (found.name, found.what) == ("∂z[4][!]", "this number, made at 1:backward:4:z")
    assert c.go_to(found.target) == ""
    assert "1:backward:2:W_hh" in [each.name for each in c.continued("1:backward:2:W")]
