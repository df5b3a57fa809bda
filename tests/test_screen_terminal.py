"""The program in a real pseudo-terminal: hostile texts, signals, a terminal that goes away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from rnn_tui.signals import HANG_UP, TERMINATED
from tests.terminal import Program

ROOT = Path(__file__).parent.parent
CHILD = """
import json, os, sys
from rnn_tui import terminal
settings = terminal.detect(os.environ, tty=True, encoding="utf-8")
terminal.prepare(settings, os.environ)
from rnn_tui.app import RnnTuiApp
from tests.fake_controller import FakeController, FakeLesson
texts = json.loads(os.environ["TEXTS"])
at = lambda k: texts[k % len(texts)]
controller = FakeController(tokens=[at(k) for k in range(4)], title=at(0), note=at(1))
controller.marked[2] = (at(2), at(3))
controller.path = at(4)
lessons = [FakeLesson(at(k), at(k + 1), at(k + 2), "x") for k in range(3)]
def opened(name):
    raise OSError(name)
app = RnnTuiApp(controller, lessons, open_session=opened, terminal=settings)
app.run(mouse=False)
sys.exit(app.return_code or 0)
"""
WAIT = 20.0
"""Seconds a test waits for what must come; far more than it takes."""


class Terminal:
    """A child on a pseudo-terminal, and the screen it draws."""

    def __init__(
        self, texts: list[str], columns: int = 100, rows: int = 32, *, ignore_hang_up: bool = False
    ) -> None:
        import json

        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.bytes = bytearray()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # the child: nothing but exec
            if ignore_hang_up:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            variables = {
                name: value
                for name, value in os.environ.items()
                if name not in ("LINES", "COLUMNS", "NO_COLOR")
            }
            variables |= {
                "TERM": "xterm-256color",
                "PYTHONPATH": str(ROOT),
                "TEXTS": json.dumps(texts),
                "PYTHONUTF8": "1",
            }
            os.execve(sys.executable, [sys.executable, "-W", "error", "-c", CHILD], variables)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bool:
        """Read what comes within that time; False when the other side has closed."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.bytes += data
        self._stream.feed(data)
        return bool(data)

    def until(self, text: str, *, there: bool = True) -> None:
        """Read until `text` is on the screen, or is not."""
        end = time.monotonic() + WAIT
        while any(text in line for line in self.screen.display) != there:
            assert time.monotonic() < end, f"{text!r} never came:\n" + "\n".join(self.screen.display)
            assert self.read(0.1), "the program ended:\n" + "\n".join(self.screen.display)

    def press(self, keys: str, then: str) -> None:
        """Type, and wait for what it brings onto the screen."""
        os.write(self.fd, keys.encode())
        self.until(then)

    def leave(self, keys: str, gone: str) -> None:
        """Type, and wait until that has left the screen."""
        os.write(self.fd, keys.encode())
        self.until(gone, there=False)

    def code(self) -> int:
        """The exit code, once the program has ended; a signal's number is negative."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("the program did not end")

    def close(self) -> None:
        """End what is left."""
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)


@contextlib.contextmanager
def terminal(texts: list[str] | None = None, *, ignore_hang_up: bool = False) -> Iterator[Terminal]:
    child = Terminal(texts or ["AAAA"] * 5, ignore_hang_up=ignore_hang_up)
    try:
        child.until("step 1/900")
        yield child
    finally:
        child.close()


SEQUENCE = re.compile(
    rb"\x1b\[(?P<csi>[?><=]?)(?P<args>[0-9;:]*)(?P<mid>[ -/]*)(?P<end>[@-~])"
    rb"|\x1b(?P<string>[\]PX^_])(?P<body>[^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b(?P<other>[^\[\]PX^_])|(?P<c0>[\x00-\x1a\x1c-\x1f\x7f])"
)


def kinds(data: bytes) -> set[bytes]:
    """What kinds of control the bytes hold: everything but colours and cursor moves with their numbers."""
    found = set()
    for match in SEQUENCE.finditer(data):
        if match["csi"] is not None:
            numbers = match["args"] if match["end"] not in b"mHABCDG" else b""
            found.add(b"CSI " + match["csi"] + numbers + match["mid"] + match["end"])
        elif match["string"]:
            found.add(b"STRING " + match["string"] + match["body"][:8])
        else:
            found.add(match["other"] or match["c0"])
    rest = SEQUENCE.sub(b"", data)
    text = rest.decode("utf-8", "replace")
    return found | {character.encode("utf-8", "replace") for character in text if not character.isprintable()}


def tour(texts: list[str]) -> Terminal:
    """Every place where a text from outside is shown."""
    with terminal(texts) as child:
        child.press("\x1b[C", "step 2/900")
        child.press("?", "panes and cells")
        child.leave("q", "panes and cells")
        child.press("'", "Enter goes there")
        child.leave("q", "Enter goes there")
        child.press("O", "Save as")
        child.leave("\x1b", "Save as")
        child.press("m", "Mark 1:forward:1:h")
        os.write(child.fd, ("\x1b[200~" + texts[0] + "\x1b[201~").encode("utf-8", "replace"))
        child.leave("\x1b", "Mark 1:forward:1:h")
        child.press("vwvi", "x[1")
        child.press("o", "choose")
        child.press(":", "Search")
        child.leave("\x1b", "Search")
        child.leave("q", "choose")
        child.press("2\x1b[C", "step 4/900")
        os.write(child.fd, b"q")
        assert child.code() == 0
    return child


HOSTILE = (
    ["\x1b]0;PWNED\x1b\\", "\x1b[2J\x1b[H", "\x9b2J", "\x1b]52;c;QUFBQQ==\x07", "\x0e\x0f"],
    ["[@click=app.exit()]AAAA[/]", "[/foo]", "[b", "[link=http://x]y[/link]", "$primary"],
    ["\u202eabc", "\u2066\u200b\ufeff", "z" + "\u0301" * 30, "\x1bP+q544e\x1b\\", "\x1b[?1049l\x1b[?1003h"],
    ["\U0001f468\u200d\U0001f469", "漢字漢字", "\x00\x07\x08\x7f", "\n\r\t", ""],
)  # fmt: skip


def test_texts_from_outside_put_nothing_of_their_own_on_the_wire() -> None:
    plain = kinds(bytes(tour(["AAAA", "BBBB", "CCCC", "DDDD", "EEEE"]).bytes))
    plain.add(b"CSI G")  # along a line: whether that is the shortest move depends on what differs
    for texts in HOSTILE:
        child = tour(texts)
        extra = kinds(bytes(child.bytes)) - plain
        assert not extra, texts
        assert b"PWNED" not in re.findall(rb"\x1b\][^\x07\x1b]*", bytes(child.bytes))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGHUP, HANG_UP)])
def test_signals_restore_the_terminal(number: int, code: int) -> None:
    with terminal() as child:
        os.kill(child.pid, number)
        assert child.code() == code
        assert b"\x1b[?1049l" in child.bytes
        assert b"\x1b[?25h" in child.bytes


@pytest.mark.parametrize("ignore_hang_up", [False, True])
def test_a_lost_terminal_ends_the_program(ignore_hang_up: bool) -> None:
    """Also under nohup, where nobody says so."""
    with terminal(ignore_hang_up=ignore_hang_up) as child:
        os.close(child.fd)
        assert child.code() == HANG_UP


def test_quitting_leaves_the_terminal_as_it_was() -> None:
    with terminal() as child:
        os.write(child.fd, b"q")
        assert child.code() == 0
        assert child.bytes.rindex(b"\x1b[?1049l") > child.bytes.rindex(b"\x1b[?1049h")


def test_ctrl_c_does_not_kill() -> None:
    with terminal() as child:
        child.press("\x03", "q leaves")
        child.press("\x1b[C", "step 2/900")


@pytest.mark.parametrize("opened", [":", "/"])
def test_what_is_typed_before_the_palette_is_there_is_searched_for(tmp_path: Path, opened: str) -> None:
    with contextlib.closing(Program(["hi-there-class-bptt"], 120, 40, tmp_path)) as child:
        child.until("step 1/820")
        child.press(f"{opened}two paths", "two paths meet")
