"""Ctrl-Z: to the shell and back, in a real shell."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.terminal import Program

COMMAND = f"{sys.executable} -m rnn_tui hello"
MODES = (b"1049", b"1000", b"1003", b"1004", b"1006", b"2004", b"2048")
"""The other screen, the mouse, focus, bracketed paste, sizes told in the stream."""


def on(data: bytes) -> set[bytes]:
    """The modes that are on after these bytes."""
    return {mode for mode in MODES if data.rfind(b"\x1b[?%bh" % mode) > data.rfind(b"\x1b[?%bl" % mode)}


@pytest.mark.parametrize("typed", ["\x1a", "e\x1a", ":suspend\r"])
def test_to_the_shell_and_back(typed: str, tmp_path: Path) -> None:
    shell = ("bash", "--norc", "--noprofile", "-i")
    with contextlib.closing(Program([], 120, 40, tmp_path, {"PS1": "$ "}, shell)) as child:
        child.press(f"{COMMAND}\n", "step 1/")
        child.press("\x1b[C", "step 2/")
        for key in typed if typed[0] == ":" else ():
            child.press(key, "suspend" if key == "d" else "")
        if typed[0] != ":":
            os.write(child.fd, typed.encode())
        child.until("Stopped")
        assert on(bytes(child.bytes)) <= {b"2004"}  # bash has pastes bracketed, too
        assert child.bytes.rfind(b"\x1b[<u") > child.bytes.rfind(b"\x1b[>")
        child.press("stty -a | tr ';' '\\n'; echo alive-$((1 + 1))\n", "alive-2")
        assert any(" icanon" in line for line in child.lines)
        before = len(child.bytes)
        child.press("fg\n", "Set " if typed[0] == "e" else "step 2/")
        assert b"1049" in on(bytes(child.bytes[before:]))
        if typed[0] == "e":
            os.write(child.fd, b"\x1b")
            while any("Set " in line for line in child.lines):
                child.read(0.1)
        child.press("\x1b[C", "step 3/")
        os.write(child.fd, b"q")
        child.press("", "$ ")
        os.write(child.fd, b"exit\n")
        child.code()


def test_where_no_shell_waits_it_says_so(tmp_path: Path) -> None:
    with contextlib.closing(Program(["hello"], 120, 40, tmp_path)) as child:
        child.until("step 1/")
        child.press("\x1a", "not suspended: no shell has started it; q quits")
        child.press("\x1b[C", "step 2/")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_told_to_go_on_without_having_been_stopped(tmp_path: Path) -> None:
    """As the kernel does it when a terminal goes away: one thread reads the input, not one for each signal."""
    with contextlib.closing(Program(["hello"], 120, 40, tmp_path)) as child:
        child.until("step 1/")
        child.press("\x1b[C", "step 2/")
        threads = Path(f"/proc/{child.pid}/task")
        before = len(list(threads.iterdir()))
        for step in (3, 4, 5):
            os.kill(child.pid, signal.SIGCONT)
            child.press("\x1b[C", f"step {step}/")
        assert len(list(threads.iterdir())) == before
        os.write(child.fd, b"q")
        assert child.code() == 0
