"""The program in a pseudo-terminal: at any moment its screen is what Textual's own full paint would make of it."""

from __future__ import annotations

import fcntl
import json
import os
import random
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build import document
from tests.terminal import WAIT, Program, visible

RIGHT, LEFT, DOWN, UP = "\x1b[C", "\x1b[D", "\x1b[B", "\x1b[A"
STEPS = (RIGHT, LEFT, DOWN, UP, "f", "F", "i", "I", "5n", "s", "S", "\x1b[F", "\x1b[H", "r")
AROUND = ("h", "j", "k", "l", "\t", "z", "vw", "vg", "vh")
OVER = (
    ("?", "q"),
    (":", "\x1b"),
    ("'", "\x1b"),
    ("m", "\x1b"),
    ("O", "\x1b"),
    ("o", "q"),
    ("g", "\x1b"),
    ("t", "q"),
    ("x", "q"),
)
"""What opens something above the session, and what closes it."""
SIZES = ((80, 24), (100, 32), (120, 40), (61, 20), (170, 50), (40, 10))


class Checked(Program):
    """The program, the session and all, which on request is compared with a plain paint of itself."""

    checks = asked = 0

    def __init__(self, session: Path, *more: str) -> None:
        super().__init__(
            [str(session), *more], 100, 32, session.parent, program=(sys.executable, "-m", "tests.checked")
        )
        self._rest = b""
        self.screen.write_process_input = self._answer  # type: ignore[method-assign]

    def _answer(self, data: str) -> None:
        self.asked += 1
        os.write(self.fd, data.encode())

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def until_title(self, title: str) -> list[list[tuple[object, ...]]]:
        """The screen at the moment when the terminal gets this title, whatever comes after it."""
        mark, end = f"\x1b]2;{title}\x07".encode(), time.monotonic() + WAIT
        while mark not in self._rest:
            assert time.monotonic() < end, f"{title!r} never came:\n" + "\n".join(self.lines)
            if select.select([self.fd], [], [], 0.1)[0]:
                self._rest += os.read(self.fd, 65536)
        seen, _, self._rest = self._rest.partition(mark)
        self.feed(seen)
        return visible(self.screen)

    def compare(self, what: object) -> None:
        """What differences have made of the screen, with what Textual paints."""
        self.checks += 1
        os.kill(self.pid, signal.SIGUSR1)
        before = self.until_title(f"before {self.checks}")
        after = self.until_title(f"after {self.checks}")
        assert before == after, what

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A small one, with tokens of one cell and of two."""
    tokens = ["漢", "字", "hi", "né", "🙂"]
    text = document(
        """
        h = tanh(W_xh @ x + W_hh @ h[t-1])
        z = W_hy @ h
        p = softmax(z)
        loss = cross_entropy(p, y)
        """,
        {
            "W_xh": [[0.1 * k - 0.2 for k in range(5)], [0.3, -0.2, 0.0, 0.1, 0.5]],
            "W_hh": [[0.5, -0.25], [0.125, 1.0]],
            "W_hy": [[0.1, 0.2], [-0.3, 0.4], [0.0, 1.0], [1.5, -1.5], [0.2, 0.2]],
        },
        title="漢字 and others",
        data={"vocabulary": tokens, "inputs": tokens, "targets": [*tokens[1:], "漢"]},
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}, "iterations": 4},
        marks=[{"address": "1:forward:2:h", "name": "字", "note": "漢字漢字"}],
    )
    path = tmp_path / "wide.json"
    path.write_text(json.dumps(text), encoding="utf-8")
    return path


@pytest.fixture
def program(session: Path) -> Iterator[Checked]:
    child = Checked(session)
    child.until("漢字")
    yield child
    child.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_leaves_no_cell_behind(program: Checked, seed: int) -> None:
    chance = random.Random(seed)
    small = False
    for _ in range(25):
        kind = chance.randrange(8)
        done: object
        if kind < 4:
            done = [chance.choice(STEPS) for _ in range(chance.randrange(1, 6))]
            program.type("".join(done))
        elif kind == 4:
            program.type(done := chance.choice(AROUND))
        elif kind == 5:
            opened, closed = done = chance.choice(OVER)
            program.type(opened)
            program.compare(opened)
            if small:  # nothing has been opened, and q would quit
                continue
            program.type(closed)
        elif kind == 6:
            program.resize(*(done := chance.choice(SIZES)))
            small = done == (40, 10)
        else:
            os.kill(program.pid, signal.SIGUSR2)
            done = "theme"
        program.compare(done)
    assert program.asked


def test_after_a_stop_and_a_shell_all_is_painted_again(program: Checked) -> None:
    program.type(RIGHT)
    program.compare("a step")
    os.kill(program.pid, signal.SIGTSTP)
    _, status = os.waitpid(program.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    program.feed(b"\x1b[2J\x1b[H$ a shell was here\r\n")
    os.kill(program.pid, signal.SIGCONT)
    program.until("漢字")
    program.compare("back from a stop")
    program.type(RIGHT)
    program.compare("a step after it")


def test_without_the_seam_textual_paints(session: Path) -> None:
    program = Checked(session, "--without-the-seam")
    try:
        program.until("漢字")
        for keys in (RIGHT, "f", "?", "q", RIGHT):
            program.type(keys)
            program.compare(keys)
        assert not program.asked  # only frames of ours end in a question
    finally:
        program.close()


def test_there_are_no_more_frames_than_was_asked_for(tmp_path: Path) -> None:
    """Each ends with a question: so many in so much time, on a terminal that draws at once."""
    program = Program(["hello", "--fps", "4"], 100, 32, tmp_path)
    frames: list[float] = []

    def answer(data: str) -> None:
        frames.append(time.monotonic())
        os.write(program.fd, data.encode())

    program.screen.write_process_input = answer  # type: ignore[method-assign]
    program.until("step 1/")
    for _ in range(20):
        end = time.monotonic() + 0.05
        os.write(program.fd, RIGHT.encode())
        while (left := end - time.monotonic()) > 0:
            program.read(left)
    program.until("step 21/")
    program.close()
    assert len(frames) >= 2
    assert len(frames) <= 4 * (frames[-1] - frames[0]) + 2
