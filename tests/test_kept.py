"""What was not saved when the program is ended from outside is kept, and offered again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_engine.replay import load
from rnn_tui.controller import Controller
from rnn_tui.kept import MOST, Kept, Shelf, kept_name
from rnn_tui.lessons import find
from rnn_tui.signals import HANG_UP, TERMINATED
from tests.terminal import Program


@pytest.fixture
def shelf() -> Shelf:
    """The one of the program as the tests run it."""
    return Shelf(Path(os.environ["XDG_STATE_HOME"]) / "rnn-tui" / "kept")


@contextlib.contextmanager
def edited(folder: Path) -> Iterator[Program]:
    """Lesson hello with one edit."""
    with contextlib.closing(Program(["hello"], 120, 40, folder)) as child:
        child.until("step 1/")
        child.press("e", "Set ")
        child.press("0.25\r", "set by hand")
        yield child


def with_edit(name: str = "hello") -> Controller:
    controller = Controller.open(str(find(name)))
    assert controller.edit(("weights", "W_hh", 0, 0), "0.25") == ""
    return controller


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGHUP, HANG_UP)])
def test_a_signal_loses_nothing(number: int, code: int, tmp_path: Path, shelf: Shelf) -> None:
    with edited(tmp_path) as child:
        os.kill(child.pid, number)
        assert child.code() == code
    (kept,) = shelf.entries()
    assert (kept.of, kept.edits) == ("hello", 1)
    assert load(kept.path).edits[0].value == 0.25


CRASHES = """
import sys
import time
from rnn_tui.screens.session import SessionScreen
def zoom(self): raise RuntimeError("what nobody thought of")
SessionScreen.action_zoom = zoom
from rnn_tui.cli import main
sys.exit(main())
"""


def test_a_crash_loses_nothing(tmp_path: Path, shelf: Shelf) -> None:
    program = (sys.executable, "-c", CRASHES)
    with contextlib.closing(Program(["hello"], 120, 40, tmp_path, program=program)) as child:
        child.until("step 1/")
        child.press("e", "Set ")
        child.press("0.25\r", "set by hand")
        os.write(child.fd, b"z")
        assert child.code() == 1
        assert b"what was not saved is kept" in child.bytes
    assert [kept.edits for kept in shelf.entries()] == [1]


def test_a_lost_terminal_loses_nothing_and_says_so_at_the_next_start(tmp_path: Path, shelf: Shelf) -> None:
    with edited(tmp_path) as child:
        os.close(child.fd)
        child.fd = os.open(os.devnull, os.O_RDONLY)
        assert child.code() == HANG_UP
    (kept,) = shelf.entries()
    with contextlib.closing(Program([], 120, 40, tmp_path)) as child:
        child.until(f"kept {kept.time}  hello  1 edit")
        child.press("\r", "step 1/")
        child.press(":edits", "list what is set")
        child.press("\r", "Set by hand")
    with contextlib.closing(Program(["hello"], 120, 40, tmp_path)) as child:
        child.until(f"kept when the program was ended at {kept.time}: 1 edit; o lists it")
    with contextlib.closing(Program(["vanishing"], 120, 40, tmp_path)) as child:
        child.until("step 1/")
        assert not any("kept when" in line for line in child.lines)


def test_it_is_thrown_away_when_a_person_says_so(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.keep(with_edit()) is not None
    with contextlib.closing(Program([], 120, 40, tmp_path)) as child:
        child.until(")  hello  1 edit")
        child.press("x", "Throw away what was kept of hello")
        os.write(child.fd, b"n")
        child.press("x", "Throw away what was kept of hello")
        assert len(shelf.entries()) == 1
        os.write(child.fd, b"y")
        while shelf.entries():
            child.read(0.1)
        os.write(child.fd, b"q")
        assert child.code() == 0


def test_what_is_saved_or_left_on_purpose_is_not_kept(tmp_path: Path, shelf: Shelf) -> None:
    with edited(tmp_path) as child:
        child.press("q", "without saving")
        os.write(child.fd, b"y")
        assert child.code() == 0
    with contextlib.closing(Program(["hello"], 120, 40, tmp_path)) as child:
        child.until("step 1/")
        os.kill(child.pid, signal.SIGTERM)
        assert child.code() == TERMINATED
    assert shelf.entries() == ()


def test_where_nothing_can_be_written_it_ends_all_the_same(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.folder is not None
    shelf.folder.write_text("no folder")
    with edited(tmp_path) as child:
        os.kill(child.pid, signal.SIGTERM)
        assert child.code() == TERMINATED
        assert b"Traceback" not in child.bytes
        assert b"what was not saved is lost" in child.bytes


def test_a_file_that_is_gone_hides_no_other(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept")
    path = shelf.keep(with_edit())
    assert path is not None
    path.with_name(path.name.replace("-20", "-21", 1)).symlink_to(tmp_path / "nowhere")
    assert [entry.path for entry in shelf.entries()] == [path]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert Shelf(tmp_path / "kept").keep(with_edit()) is None
    assert list((tmp_path / "kept").iterdir()) == []


def test_nothing_is_overwritten_and_the_oldest_make_way(tmp_path: Path) -> None:
    shelf, controller = Shelf(tmp_path), with_edit()
    first = shelf.keep(controller)
    assert first is not None
    os.utime(first, (1, 1))
    others = {shelf.keep(controller) for _ in range(MOST)}
    assert len(others) == MOST and None not in others
    assert not first.exists()
    assert {entry.path for entry in shelf.entries()} == others
    assert controller.unsaved


def test_what_was_kept_is_saved_elsewhere_and_is_still_of_its_session(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.keep(with_edit())
    assert path is not None
    again = Controller.open(str(path))
    assert again.path == "hello.json"
    assert not again.unsaved
    assert shelf.latest_of(again.origin) is None  # it is open
    assert again.edit(("weights", "W_hh", 0, 0), "0.5") == ""
    second = shelf.keep(again)
    assert second is not None and kept_name(str(second)) == "hello"
    os.utime(path, (1, 1))
    newest = shelf.latest_of("hello")
    assert newest is not None and newest.path == second
    assert shelf.latest_of("/somewhere/else/hello.json") is None


def test_a_file_that_is_no_replay_is_left_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.keep(with_edit())
    assert path is not None
    path.write_bytes(b"")
    (tmp_path / "other.json").write_text("{}")
    assert shelf.entries() == ()
    assert shelf.latest_of("hello") is None


def test_what_the_session_came_with_is_not_counted(tmp_path: Path) -> None:
    shelf, controller = Shelf(tmp_path), with_edit()
    assert len(controller.marks()) > 0
    assert shelf.keep(controller) is not None
    (first,) = shelf.entries()
    assert (first.edits, first.marks, first.what) == (1, 0, "1 edit")
    assert controller.add_mark("mine") == ""
    path = shelf.keep(controller)
    assert path is not None
    again = Controller.open(str(path))
    again.move("step", 1)
    assert again.add_mark("mine, too") == ""
    latest = shelf.keep(again)
    assert latest is not None
    assert {entry.path: entry.what for entry in shelf.entries()} == {
        first.path: "1 edit", path: "1 edit, 1 mark", latest: "1 edit, 2 marks"
    }  # fmt: skip


def test_a_name_of_before_says_no_numbers(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.keep(with_edit())
    assert path is not None
    path.rename(path.with_name(path.name.replace("-1e0m", "")))
    (kept,) = shelf.entries()
    assert (kept.of, kept.what) == ("hello", "")


def test_times_of_one_day_differ_first_and_other_years_are_named() -> None:
    now = time.time()
    today, older = Kept(Path(), "a", now, 1, 0).time, Kept(Path(), "a", now - 400 * 86400, 1, 0).time
    assert today[:8] == time.strftime("%H:%M:%S", time.localtime(now))
    assert time.strftime("%Y") not in today
    assert older.endswith(time.strftime(" %Y)", time.localtime(now - 400 * 86400)))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_nothing_of_what_was_kept_is_cut(size: tuple[int, int], tmp_path: Path, shelf: Shelf) -> None:
    for k in range(2):
        controller = with_edit()
        controller.add_mark("mine")
        path = shelf.keep(controller)
        assert path is not None
        os.utime(path, (1e9 + k, 1e9 + k))
    seen = {f"kept {kept.time}  hello  1 edit, 1 mark" for kept in shelf.entries()}
    assert len(seen) == 2
    with contextlib.closing(Program([], *size, tmp_path)) as child:
        child.until("choose")
        assert all(any(line in shown for shown in child.lines) for line in seen), child.lines


def test_with_something_kept_all_lessons_are_in_view(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.keep(with_edit()) is not None
    with contextlib.closing(Program([], 80, 24, tmp_path)) as child:
        child.until("q quit")
        assert any("14. Truncated" in line for line in child.lines)
        assert any("1/15  x throws" in line for line in child.lines)
    for _ in range(2):
        assert shelf.keep(with_edit()) is not None
    with contextlib.closing(Program([], 80, 24, tmp_path)) as child:
        child.until("1/17  ↓2 more  x throws it away")
        child.press("k", "17/17  ↑2 more")
    with contextlib.closing(Program(["batch"], 80, 24, tmp_path)) as child:
        child.until("step 1/")
        child.press("o", "q back")
        (hint,) = (line for line in child.lines if "choose" in line)
        assert "q back" in hint
