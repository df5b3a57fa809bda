"""Settings in the real program on a real pseudo-terminal: what is sent to it, and what keys do."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_tui.configfile import config_path
from tests.conftest import python
from tests.terminal import Program

MOUSE = (b"\x1b[?1000h", b"\x1b[?1003h", b"\x1b[?1006h")
BARE = {
    "SSH_CONNECTION": "",
    "SSH_TTY": "",
    "SSH_CLIENT": "",
    "COLORTERM": "",
    "COLORFGBG": "",
    "STY": "",
    "TMUX": "",
}
SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


@contextlib.contextmanager
def shown(folder: Path, *arguments: str, **environ: str) -> Iterator[Program]:
    """A lesson on the screen, in a terminal of which nothing is said but what is said here."""
    program = Program(
        ["hi-there", *arguments], 90, 44, folder, BARE | {"LANG": "C.UTF-8", "LC_ALL": ""} | environ
    )
    try:
        program.until("1:forward:1:a")
        yield program
    finally:
        program.close()


def colours(data: bytes) -> set[str]:
    """Which kinds of colour were sent: `16m`, `256`, `16`."""
    found = set()
    for match in SGR.finditer(data):
        numbers = iter(int(number or "0") for number in match[1].decode().split(";"))
        for number in numbers:
            if number in (38, 48):
                kind, values = ("16m", 3) if next(numbers) == 2 else ("256", 1)
                found.add(kind)
                for _ in range(values):
                    next(numbers)
            elif 30 <= number <= 37 or 40 <= number <= 47 or 90 <= number <= 107:
                found.add("16")
    return found


@pytest.mark.parametrize(
    ("arguments", "environ"), [(["--ascii"], {}), ([], {"LC_ALL": "C"}), ([], {"RNN_TUI_ASCII": "1"})]
)
def test_ascii(tmp_path: Path, arguments: list[str], environ: dict[str, str]) -> None:
    with shown(tmp_path, *arguments, **environ) as program:
        program.press("?", "panes and cells")
        program.press("q", "inputs")
        program.press("n", "1:forward:2")
        assert max(program.bytes) < 0x80
    with shown(tmp_path) as program:
        assert max(program.bytes) >= 0x80


def test_mouse(tmp_path: Path) -> None:
    for arguments, environ, on in (
        ([], {}, True),
        (["--no-mouse"], {}, False),
        ([], {"SSH_CONNECTION": "x"}, False),
        (["--mouse"], {"SSH_CONNECTION": "x"}, True),
    ):
        with shown(tmp_path, *arguments, **environ) as program:
            for sequence in MOUSE:
                assert (sequence in program.bytes) is on, (arguments, environ)


@pytest.mark.parametrize(
    ("arguments", "environ", "sent"),
    [
        ([], {}, {"256"}),
        (
            [],
            {"COLORTERM": "truecolor"},
            {"16m", "256"},
        ),  # a colour of the cube is sent by its number, being shorter
        (["--colours", "256"], {"COLORTERM": "truecolor"}, {"256"}),
        (["--colors", "16"], {}, {"16"}),
        (["--theme", "terminal"], {"COLORTERM": "truecolor"}, {"16"}),
        (["--theme", "plain"], {"COLORTERM": "truecolor"}, set()),
        (["--colours", "none"], {"COLORTERM": "truecolor"}, set()),
        ([], {"NO_COLOR": "1"}, set()),
        ([], {"NO_COLOR": ""}, {"256"}),
        (["--theme", "dark"], {"NO_COLOR": "1"}, {"256"}),
    ],
)
def test_colours(tmp_path: Path, arguments: list[str], environ: dict[str, str], sent: set[str]) -> None:
    with shown(tmp_path, *arguments, **environ) as program:
        program.press("?", "panes and cells")
        assert colours(bytes(program.bytes)) == sent


def test_themes_have_their_grounds(tmp_path: Path) -> None:
    for theme, ground in (("dark", "121212"), ("light", "ffffff"), ("terminal", "default")):
        with shown(tmp_path, "--theme", theme, COLORTERM="truecolor") as program:
            assert program.screen.buffer[1][40].bg == ground


TOLD = """
import sys
from rnn_tui import cli, terminal

def prepare(settings, environ, prepare=terminal.prepare):
    prepare(settings, environ)
    print("textual" in sys.modules)
    from textual import constants
    print(constants.MAX_FPS, constants.COLOR_SYSTEM)
    sys.exit(0)

terminal.prepare, terminal.is_terminal = prepare, lambda: True
cli.main(["hi-there", *sys.argv[1:]])
"""


@pytest.mark.parametrize(
    ("arguments", "environ", "fps"),
    [
        (["--fps", "7"], {"TEXTUAL_FPS": "33"}, 7),
        ([], {"RNN_TUI_FPS": "8"}, 8),
        ([], {"SSH_CONNECTION": "x"}, 20),
        ([], {}, 60),
    ],
)
def test_textual_knows_the_frames_a_second_when_it_begins(
    arguments: list[str], environ: dict[str, str], fps: int
) -> None:
    result = python("-c", TOLD, *arguments, env=BARE | {"TERM": "xterm-256color", "NO_COLOR": ""} | environ)
    assert result.stdout.split() == ["False", str(fps), "256"], result


def test_keys_of_the_config_file(tmp_path: Path) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text(
        '[keys]\nstep = "ctrl+n"\nquit = "Q"\nhelp = "f5"\npalette = ","\nopen = "é"', "utf-8"
    )
    with shown(tmp_path) as program:
        assert "Ctrl-N step" in program.lines[-1]
        assert "Q quit" in program.lines[-1]
        program.press("\x1b[C\x0e", "step 2/8")  # the arrow does nothing any more
        program.press("\x1b[15~", "panes and cells")
        program.press("\x1b[6~", "Ctrl-N  the next step")
        program.press("Q", "step 2/8")
        program.press(",", "step  Ctrl-N")
        program.press("\x1b", "step 2/8")
        program.press("\x03", "Q leaves")
        program.press("é", "é file")
        program.press("\x1b", "step 2/8")
        os.write(program.fd, b"Q")
        assert program.code() == 0


def test_the_layout_of_the_config_file(tmp_path: Path) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    for layout, framed in (("narrow", False), ("auto", True)):
        config_path().write_text(f'layout = "{layout}"', "utf-8")
        program = Program(["hi-there"], 120, 40, tmp_path, BARE)
        program.until("1:forward:1:a")
        assert any("╰" in line for line in program.lines) is framed
        program.close()


def test_the_precision_of_the_panes(tmp_path: Path) -> None:
    for precision, number in (("2", " 0.60 -0.10"), ("8", " 0.60000000")):
        with shown(tmp_path, RNN_TUI_PRECISION=precision) as program:
            line = next(line for line in program.lines if "0.6" in line and "▸1" in line)
            assert number in line.replace("▄", "").replace("▁", "").replace("█", ""), line
