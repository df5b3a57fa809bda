"""The walks of docs/questions.md, taken out of the document: each is walked, and the screen shows what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from rnn_tui.app import RnnTuiApp
from rnn_tui.commands import SHOWN
from rnn_tui.controller import Controller
from rnn_tui.terminal import TerminalSettings
from tests.build import document, lesson
from tests.conftest import ROOT
from tests.terminal import Program
from tests.test_screen_app import Play, keys, screen_text

MOST_KEYS = 8
DOCUMENT = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Walk:
    """One walk, and the prose up to the next one."""

    lesson: str
    keys: tuple[str, ...]
    prose: str

    def __str__(self) -> str:
        return " ".join((self.lesson, *self.keys))


def walks() -> Iterator[Walk]:
    """All of them, in the order of the document."""
    for section in re.split(r"^## ", DOCUMENT.partition("\n[g1]:")[0], flags=re.MULTILINE)[1:]:
        _, *parts = re.split(r"^    (rnn-tui .+)$", section, flags=re.MULTILINE)
        for line, prose in zip(parts[::2], parts[1::2], strict=True):
            _, name, *pressed = line.split()
            yield Walk(name, tuple(pressed), prose)


WALKS = tuple(walks())

ANSWERS: dict[str, tuple[str, ...]] = {
    "vanishing t Enter": (
        "▸ 14 → 13 0.1869 0.6752 0.2768", "◀ loses most", "h to a, through W_hh",
        "From t=20 to t=1: 0.18368 → 6.171e-9",
    ),
    "hi-there-class-bptt 2 a x": (
        "1:backward:4:z", "∂z = ∂loss * (p - y)", "0.241549] - [0, 0, 0, 1]", "-0.758451]",
        "cross_entropy and softmax together",
    ),
    "hi-there-class-bptt 3 a x": (
        "1:backward:3:h", "a[4] reads h[3] and sends W_hhᵀ @ ∂a[t+1]", "z[3] reads h[3] and sends W_hyᵀ @ ∂z",
        "0.4446 from z[3] and 0.0570 from a[4] make ∂h[3] = 0.5016",
    ),
    "bptt-two-units 4 a x": (
        "1:backward:3:h", "= [0.225238, 0.107269]", "= [0.470050, 0.460532]",
        "W_hhᵀ ∂a[4] = (0.2252, 0.1073), W_hyᵀ ∂z[3] = (0.4701, 0.4605)",
    ),
    "hi-there-class-bptt 3 a v g Enter": (
        "why ∂h[3][0]", "the sum of 5 terms", "9% W_hh[0,0] * ∂a[4][0] 1:backward:4:a", "0.0570 from a[4]",
    ),
    "vanishing f x": (
        "1:backward:20:loss", "∂loss = weight of this loss", "= 0.125",
        "the objective is a mean over the batch of 8, a sum over the time steps",
    ),
    "bptt-two-units 2 a x": ("1:backward:4:h", "shapes: [4×2]ᵀ @ [4] = [2]", "turns the four of ∂z[4] into two"),
    "bptt-two-units 3 a x 1 4 j": (
        "1:backward:4:a", "∂W_hh gets ∂a h[t-1]ᵀ", "= [0.263056,", "all time steps together make ∂W_hh", "= [0.658617,",
    ),
    "bptt-two-units 5 a v w Enter j Enter": (
        "why ∂W_hh[0,0]", "+0.46932", "added at a[2]", "+0.26306", "added at a[4]", "-0.07376", "added at a[3]",
        "∂W_hh[0,0] = 0.65861", "Backspace W_hh[0,0] → ∂W_hh[0,0]",
    ),
    "vanishing 5 a t": (
        "∂W_xh reaches 0.2014, but in the columns of A and B only 2.8e-8", "‖∂h[20]/∂h[k]‖",
        "Horizon: 6 steps; after them less than 1 % of ∂h[20] is left",
    ),
    "hello 9 i Home O": ("Save",),
    "same-step-four-cells 6 a": ("Loss 4 sends t = 1: 0.0013 (tanh), 0 (ReLU), 0.1295 (c), 0.1280 (GRU)",),
    "lstm-remembers 4 a t h": (
        "from t=20 it comes 92 % through c, 8 % through h", "sends 0.005378 to t=19", "0.49 of ∂h[20] is left at t=1",
    ),
    "hello n n Enter": ("why a[3][0]", "a[3][0] = -0.23604236087060854", "W_hh[0,0] * h[2][0] 1:forward:2:h"),
    "hello 3 i m Enter 2 I a": ("4:forward:1:a",),
    "hi-there-class-bptt f → → Enter Enter Enter": (
        "why p[4][hi]", "1:forward:4:p", "Backspace ∂h[4][0] → ∂z[4][hi] → p[4][hi]",
        "Enter goes to z[4][hi] at 1:forward:4:z",
    ),
    "i-love-cats p →": ("1:forward:1:h", "= ?", "h[1][0] = ▏ Type the value", "s asks for its shape"),
    "hi-there-class-bptt a a A p →": ("1:forward:4:a", "a[4][0] = ▏ Type the value"),
}  # fmt: skip
"""What each walk must show, spaces taken together."""


def test_every_walk_has_its_answer_and_every_answer_its_walk() -> None:
    assert [str(walk) for walk in WALKS] == list(ANSWERS)
    assert DOCUMENT.count("\n    rnn-tui ") == len(WALKS)


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_a_walk_is_short(walk: Walk) -> None:
    assert 1 <= len(walk.keys) <= MOST_KEYS


def names(walk: Walk) -> list[str]:
    """Keys as Textual calls them."""
    by_print = {shown: name for name, shown in SHOWN.items()}
    return [by_print.get(key, key) for key in walk.keys]


def spaced(text: str) -> str:
    """Words with one space between them, without frames and what a wrapped line has beside it."""
    return " ".join(re.sub(r"[│┃╭╮╰╯┏┓┗┛━─]", " ", text).split())


def panel(pilot: Play) -> str:
    """What the panel alone shows: beside it, lines that wrap are interrupted by other panes."""
    return spaced("\n".join(widget.text() for widget in pilot.app.screen.query("#panel, #narration")))  # type: ignore[attr-defined]  # lines


def dialog(pilot: Play) -> str:
    """The words of a dialog, with what stands in its fields."""
    words = [str(widget.render()) for widget in pilot.app.screen.query(Static)]
    return spaced("\n".join([*words, *(field.value for field in pilot.app.screen.query(Input))]))


def numbers(prose: str) -> list[str]:
    """The numbers with a decimal point, and what is written as `14 → 13`; not those of code and of links."""
    text = re.sub(r"`[^`]*`", "", prose).replace("−", "-")
    return re.findall(r"-?\d+\.\d+(?:e-?\d+)?|\d+ → \d+|\d+ %", text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_walk_shows_what_the_document_says(walk: Walk, size: tuple[int, int]) -> None:
    app = RnnTuiApp(
        Controller(lesson(walk.lesson)), (), open_session=Controller.open, terminal=TerminalSettings()
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in names(walk):
            await keys(pilot, key)
        seen = " ".join((spaced(screen_text(pilot)), panel(pilot), dialog(pilot)))
    for text in ANSWERS[str(walk)]:
        assert text in seen, text
    for number in numbers(walk.prose):
        # 1 - y is spelled out in the document; a sign may stand apart from its number
        assert number in seen or number.removeprefix("-") in seen, number


def test_the_prose_has_numbers_to_look_for() -> None:
    found = [number for walk in WALKS for number in numbers(walk.prose)]
    assert len(found) > 25 and "14 → 13" in found and "2.8e-8" in found


async def test_back_at_the_first_step_all_is_as_it_was() -> None:
    """The tenth question, before its last key."""
    app = RnnTuiApp(
        Controller(lesson("hello")), (), open_session=Controller.open, terminal=TerminalSettings()
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        first = screen_text(pilot)
        await keys(pilot, "9", "i")
        assert "10:forward:1:a" in screen_text(pilot) and screen_text(pilot) != first
        await keys(pilot, "home")
        assert screen_text(pilot) == first


# ---------------------------------------------------------------- the command lines in the prose


HEADLESS: dict[str, tuple[int, tuple[str, ...]]] = {
    "rnn-tui horizon vanishing": (
        0,
        ("6 steps", "t=15 → 14", "0.239", "nonlinearity × 0.71", "weights × 0.337"),
    ),
    "rnn-tui trace SESSION --from 1:backward --json": (0, ('"from":{"a[4]":', '"z[3]":')),
    "rnn-tui check FILE": (0, ()),
    "rnn-tui horizon vanishing --at-least 19": (1, ("6 steps",)),
    """rnn-tui trace SESSION --json | grep -m1 -E '"(NaN|-?Infinity)"'""": (
        0,
        ('"address":"1:forward:10:h"',),
    ),
    "rnn-tui narrate i-love-cats": (0, ("1:forward:1:a",)),
}
"""Exit code and what must come; `SESSION` and `FILE` stand for a file that overflows, or a lesson."""


def test_every_command_line_is_known() -> None:
    quoted = re.findall(r"`(rnn-tui [^`]+)`", DOCUMENT)
    assert list(dict.fromkeys(quoted)) == list(HEADLESS)


@pytest.mark.skipif(shutil.which("grep") is None, reason="a shell with grep")
@pytest.mark.parametrize("line", HEADLESS, ids=str)
def test_a_command_line_of_the_document(line: str, tmp_path: Path) -> None:
    growing = document("h = u * h[t-1] ** 2 + x", {"u": 2.0}, data={"inputs": [3.0] * 12})
    (tmp_path / "grows.json").write_text(json.dumps(growing), encoding="utf-8")
    told = line.replace("SESSION", "grows.json" if "NaN" in line else "hi-there-class-bptt").replace(
        "FILE", "hello"
    )
    shell = told.replace("rnn-tui", f"{sys.executable} -m rnn_tui", 1)
    result = subprocess.run(
        ["/bin/sh", "-c", shell], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, texts = HEADLESS[line]
    assert result.returncode == code, result.stderr
    for text in texts:
        assert text in result.stdout


# ---------------------------------------------------------------- in a real terminal


TYPED = {"Enter": "\r", "→": "\x1b[C"}


@pytest.mark.parametrize("name", ["vanishing t Enter", "bptt-two-units 5 a v w Enter j Enter"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_a_walk_in_a_terminal(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    walk = next(walk for walk in WALKS if str(walk) == name)
    program = Program([walk.lesson], *size, tmp_path)
    try:
        program.until("1:forward:1:a")
        answer = ANSWERS[name][-1]
        program.press("".join(TYPED.get(key, key) for key in walk.keys), then=answer)
        seen = spaced("\n".join(program.lines))
    finally:
        program.close()
    for text in ANSWERS[name]:
        assert text in seen, text
