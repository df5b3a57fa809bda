"""Every pane as it is drawn, as text in tests/goldens/: two sessions, three sizes, five kinds of terminal.

`pytest tests/test_goldens.py --update-goldens` writes the files anew; look at the diff before you commit it. A file
holds the text of each pane and, at 80×24, a second picture of it with a letter for the style of each cell; what the
letters stand for is written below, in the words of Rich.
"""

from __future__ import annotations

import difflib
from functools import cache
from math import cos
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.style import Style

from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.timeline import Timeline
from rnn_tui.render.arrange import arrange, boxed
from rnn_tui.render.curve import draw_curve
from rnn_tui.render.palette import Palette, palette
from rnn_tui.render.pane import PaneView, draw_pane
from rnn_tui.render.spans import Line, text_of
from rnn_tui.screens.stage import PANE_TYPES
from rnn_tui.text import ascii_text, cells
from tests.build import lesson, session

GOLDENS = Path(__file__).parent / "goldens"
SIZES = ((80, 24), (120, 40), (200, 60))
SCENES = {"small": "1:backward:2:h", "large": "1:backward:12:h"}
TERMINALS = {
    "truecolor": ("dark", "truecolor", True),
    "256": ("light", "256", True),
    "16": ("dark", "standard", True),
    "none": ("plain", "none", True),
    "ascii": ("dark", "truecolor", False),
}
"""Theme, colours, whether it has Unicode."""
SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def weights(rows: int, columns: int, seed: int) -> list[list[float]]:
    """Numbers of both signs and all sizes, the same on every machine."""
    return [
        [round(0.4 * cos(seed + 1.7 * r + 2.3 * c + 0.11 * r * c), 3) for c in range(columns)]
        for r in range(rows)
    ]


def large() -> Session:
    """An LSTM with 32 units over 64 tokens, 25 time steps."""
    H, V = 32, 64
    tokens = [chr(0x41 + k) if k < 26 else chr(0x61 + k - 26) if k < 52 else f"w{k}" for k in range(V)]
    lines = [
        f"{gate} = {'tanh' if gate == 'g' else 'sigmoid'}(W_x{gate} @ x + W_h{gate} @ h[t-1] + b_{gate})"
        for gate in "ifog"
    ]
    lines += ["c = f * c[t-1] + i * g", "h = o * tanh(c)", "z = W_hy @ h + b_y", "p = softmax(z)"]
    parameters: dict[str, object] = {"W_hy": weights(V, H, 9), "b_y": [0.0] * V}
    for seed, gate in enumerate("ifog"):
        parameters |= {f"W_x{gate}": weights(H, V, seed), f"W_h{gate}": weights(H, H, seed + 4)}
        parameters[f"b_{gate}"] = [row[0] for row in weights(H, 1, seed + 8)]
    order = [tokens[(7 * k + k * k) % V] for k in range(26)]
    return session(
        "\n".join([*lines, "loss = cross_entropy(p, y)"]),
        parameters,
        data={"vocabulary": tokens, "inputs": order[:-1], "targets": order[1:]},
        training={"optimizer": {"name": "sgd", "learning_rate": 0.1}, "iterations": 3},
    )


@cache
def snapshot(scene: str) -> Snapshot:
    opened = lesson("hello") if scene == "small" else large()
    return observe(opened, Timeline(opened.run), opened.schedule.span(SCENES[scene]).start)


def described(style: Style, colours: str) -> str:
    """A style as this terminal gets it."""
    system = SYSTEMS.get(colours)
    if system is not None:
        style = Style(
            color=style.color and style.color.downgrade(system),
            bgcolor=style.bgcolor and style.bgcolor.downgrade(system),
            bold=style.bold, underline=style.underline, reverse=style.reverse, dim=style.dim,
        )  # fmt: skip
    return str(style)


def styled(lines: list[Line], styles: Palette, colours: str) -> list[str]:
    """The lines with a letter for the style of every cell, and what the letters stand for."""
    used = sorted({described(styles.style(role), colours) for line in lines for _, role in line})
    letter = dict(zip(used, LETTERS, strict=False))
    picture = [
        "".join(letter[described(styles.style(role), colours)] * cells(text) for text, role in line)
        for line in lines
    ]
    return [*picture, *(f"{sign} {style}" for style, sign in letter.items())]


def scene(name: str, size: tuple[int, int], terminal: str) -> str:
    theme, colours, unicode = TERMINALS[terminal]
    styles = palette(theme, colours, unicode=unicode)
    shown, boxes = snapshot(name), arrange(*size)
    found: list[str] = []
    for cls in PANE_TYPES:
        view = PaneView(
            shown.names.get(cls.NAME, cls.NAME), cls.LETTER, shown.panes[cls.NAME], focused=cls.NAME == "hidden",
            boxed=boxed(*size), manner=cls.MANNER, halves=styles.halves,
        )  # fmt: skip
        lines = draw_pane(view, *boxes[cls.NAME][2:]).lines
        text = text_of(lines)
        found += [f"=== {cls.NAME}", text if unicode else ascii_text(text)]
        if size == SIZES[0]:
            found += ["---", *styled(lines, styles, colours)]
    if "curve" in boxes:
        _, _, wide, high = boxes["curve"]
        text = text_of(draw_curve((3.0, 2.5, 2.75, 1.5), wide - 4, high - 2, 60))
        found += ["=== loss", text if unicode else ascii_text(text)]
    return "\n".join(found) + "\n"


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_the_panes_are_drawn_as_they_were(
    name: str, size: tuple[int, int], terminal: str, request: pytest.FixtureRequest
) -> None:
    file = GOLDENS / f"{name}-{size[0]}x{size[1]}-{terminal}.txt"
    drawn = scene(name, size, terminal)
    if request.config.getoption("--update-goldens"):
        GOLDENS.mkdir(exist_ok=True)
        file.write_text(drawn, encoding="utf-8")
        return
    expected = file.read_text(encoding="utf-8")
    if drawn != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), drawn.splitlines(), file.name, "now", lineterm="", n=2
        )
        pytest.fail(
            "\n".join([*diff, "if this is meant: pytest tests/test_goldens.py --update-goldens"]),
            pytrace=False,
        )


@pytest.mark.parametrize("name", SCENES)
def test_no_golden_is_wider_than_its_size(name: str) -> None:
    for size in SIZES:
        text = (GOLDENS / f"{name}-{size[0]}x{size[1]}-none.txt").read_text(encoding="utf-8")
        assert max(cells(line) for line in text.splitlines() if line[:2] not in ("a ", "b ")) <= size[0]
