"""Pictures of the screen: the file is read back, and shows what the screen shows."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.style import Style
from rich.text import Text
from textual.widgets import Input, Static

from rnn_tui import arguments, cli
from rnn_tui.app import RnnTuiApp
from rnn_tui.cli import open_session
from rnn_tui.export import png as converting
from rnn_tui.export.ansi import ansi
from rnn_tui.export.formats import ALONE, FORMATS, PANELS, PICTURES, parse_size
from rnn_tui.export.glyphs import arms, boxes, drawn
from rnn_tui.export.picture import Ink, Picture, Run
from rnn_tui.export.png import SIGNATURE, NoPicture, png
from rnn_tui.export.svg import HIGH, MADE_BY, WIDE, svg
from rnn_tui.render.arrange import Scene, arrange
from rnn_tui.screens.exporting import picture_of
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from tests.build import document
from tests.conftest import ROOT
from tests.test_cli import Program, written
from tests.test_export_steps import HOSTILE, NEURON
from tests.test_screen_app import Play, keys, screen_text, session
from tools import make_pictures

SVG = "{http://www.w3.org/2000/svg}"
INK = Ink((200, 200, 200), (0, 0, 0))


def of(*rows: str) -> Picture:
    wide = max(map(len, rows))
    return Picture("made up", wide, len(rows), (0, 0, 0), tuple((Run(0, row, INK),) for row in rows))


def read(text: str, wide: int, high: int) -> tuple[list[str], str]:
    """What the letters of an SVG say where they stand, and its description."""
    root = ET.fromstring(text)
    grid = [[" "] * wide for _ in range(high)]
    for element in root.iter(f"{SVG}text"):
        x, y = float(element.attrib["x"]) / WIDE, float(element.attrib["y"]) // HIGH
        assert abs(x - round(x)) < 0.01
        assert element.text is not None
        for k, character in enumerate(element.text):
            assert grid[int(y)][round(x) + k] == " "
            grid[int(y)][round(x) + k] = character
        assert abs(float(element.attrib["textLength"]) / WIDE - len(element.text)) < 0.01
    return ["".join(row).rstrip() for row in grid], root.findtext(f"{SVG}desc") or ""


def undrawn(line: str) -> str:
    """A line without the characters that are shapes."""
    return "".join(" " if drawn(c) else c for c in line).rstrip()


# --- the picture and the screen


@asynccontextmanager
async def opened(name: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Play]:
    """The real app on a lesson."""
    app = RnnTuiApp(open_session(name), (), open_session=open_session, terminal=TerminalSettings())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_picture_says_what_the_screen_says(size: tuple[int, int]) -> None:
    async with opened("hi-there-class-bptt", size) as pilot:
        await keys(pilot, "f", "right", "right")
        found = picture_of(session(pilot), "a title")
        assert found is not None
        assert found.text().splitlines() == screen_text(pilot).splitlines()
        letters, description = read(svg(found), *size)
        assert description == found.text()
        assert letters == [undrawn(line) for line in description.splitlines()]
        assert [line for line in letters if "1:backward" in line]


def test_an_svg_needs_nothing_from_elsewhere_and_says_who_made_it() -> None:
    text = svg(of('╭─ <a> & "b" ─╮', "▄▁⣿ x  y"))
    assert text.count("http") == 1  # the name of its own language
    assert "@font-face" not in text
    assert "<style" not in text
    assert f"<!-- {MADE_BY}. -->" in text
    letters, description = read(text, 20, 2)
    assert letters == ['   <a> & "b"', "    x  y"]
    assert description == '╭─ <a> & "b" ─╮\n▄▁⣿ x  y\n'


def test_no_character_that_xml_forbids_comes_through() -> None:
    bad = "".join(map(chr, [*range(32), 0x7F, 0x202E, 0xD800, 0xFFFE, 0xFFFF]))
    text = svg(Picture(bad, 80, 1, (0, 0, 0), ((Run(0, f"x{bad}y", INK),),)))
    root = ET.fromstring(text.encode("utf-8"))
    assert re.fullmatch(r"[^\x00-\x1f\x7f\u202e\ufffe\uffff]*", root.findtext(f"{SVG}title") or "")


def test_shapes_meet_at_the_edges_of_their_cells() -> None:
    assert arms("─") == ("lr", False, False)
    assert arms("┃") == ("ud", True, False)
    assert arms("╭") == ("dr", False, True)
    assert arms("╬") is None  # a double line is left to the font
    assert boxes("▄") == (((0.0, 0.5, 1.0, 0.5),), 1.0)
    assert boxes("▌") == (((0.0, 0.0, 0.5, 1.0),), 1.0)
    assert boxes("█") == (((0.0, 0.0, 1.0, 1.0),), 1.0)
    assert boxes("▚") == (((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5)), 1.0)
    assert len((boxes("⣿") or ((), 0))[0]) == 8
    assert not drawn("a")
    assert not drawn("→")
    (path,) = (e for e in ET.fromstring(svg(of("──"))).iter(f"{SVG}path"))
    assert path.attrib["d"] == f"M0 {HIGH / 2:g}h{2 * WIDE:g}"


def test_ansi_text_has_the_same_characters_and_colours() -> None:
    row = (Run(0, "a", Ink((1, 2, 3), (4, 5, 6), bold=True)), Run(1, "b ", INK))
    made = Text.from_ansi(ansi(Picture("", 3, 1, (0, 0, 0), (row,))).rstrip("\n"))
    assert made.plain == "ab "
    first = made.spans[0].style
    assert isinstance(first, Style)
    assert first.bold
    assert first.color is not None
    assert first.color.get_truecolor() == (1, 2, 3)


def test_what_can_be_alone_is_what_the_screen_has() -> None:
    boxes_of = {**arrange(200, 60), **arrange(200, 60, Scene(panel=("weights",)))}
    assert set(ALONE) == set(boxes_of) - {"title", "footer"}
    assert all(hasattr(SessionScreen, f"action_{name}") for name in PANELS)


# --- headless


def export(tmp_path: Path, *arguments: str, name: str = "a.svg") -> Path:
    target = tmp_path / name
    assert cli.main(["export", *arguments, "-o", str(target)]) == 0
    return target


def test_a_pane_alone_a_panel_and_a_theme(tmp_path: Path) -> None:
    at = ("hello", "--at", "1:backward:3:h")
    whole = export(tmp_path, *at, name="whole.txt").read_text("utf-8")
    alone = export(tmp_path, *at, "--pane", "gradients", name="alone.txt").read_text("utf-8").splitlines()
    assert alone[0].startswith("╭─ gradients")
    assert all(line in whole for line in alone)
    assert "hidden state" in whole
    panel = export(tmp_path, *at, "--panel", "flow", "--pane", "panel", name="panel.txt").read_text("utf-8")
    assert "gradient flow, iteration 1" in panel
    assert "why ∂h[3][0]" in export(tmp_path, *at, "--panel", "why", name="why.txt").read_text("utf-8")
    dark, light = (
        export(tmp_path, *at, "--theme", t, name=f"{t}.svg").read_text("utf-8") for t in ("dark", "light")
    )
    assert 'fill="#121212"' in dark
    assert 'fill="#ffffff"' in light
    small = export(tmp_path, *at, "--size", "80x24", "--ascii", name="small.txt").read_text("utf-8")
    assert small.isascii()
    assert len(small.splitlines()) == 24


def test_no_color_in_the_environment_is_about_terminals(rnn_tui: Program, tmp_path: Path) -> None:
    for name, env in (("a.svg", {}), ("b.svg", {"NO_COLOR": "1", "TERM": "dumb"})):
        assert rnn_tui("export", "hi-there", "-o", name, env=env).returncode == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_hostile_tokens_are_text_in_a_picture(tmp_path: Path) -> None:
    n = len(HOSTILE)
    weights = {"W": [[0.1] * n], "U": [[0.5]], "V": [[0.3]] * n}
    data = {"vocabulary": list(HOSTILE), "inputs": list(HOSTILE), "targets": list(HOSTILE)}
    file = tmp_path / "evil.json"
    file.write_text(json.dumps(document(NEURON, weights, title="<b>\x1b[2J", data=data)), "utf-8")
    text = export(tmp_path, str(file), "--size", "200x60").read_text("utf-8")
    assert "\x1b" not in text
    assert {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()} <= {
        "svg", "title", "desc", "rect", "g", "path", "text",
    }  # fmt: skip
    assert "<script>" in read(text, 200, 60)[1]


def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def refused(arguments: str, *words: str) -> None:
        assert cli.main(["export", *arguments.split()]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1, err
        assert all(word in err for word in words), err

    written(tmp_path / "mine.json")
    (tmp_path / "there.svg").write_text("mine", "utf-8")
    refused("hello -o there.svg", "there.svg", "--force")
    assert (tmp_path / "there.svg").read_text("utf-8") == "mine"
    refused("hello --at 1:sideways -o a.svg", "1:sideways", "forward")
    refused("hello --at 99 -o a.md", "'99'", "1 to 60")
    refused("hello -o none/a.svg", "none/a.svg", "no such file or directory")
    refused("hello -o .", "suffix")
    refused("hello -o a.svg --from 1", "--at")
    refused("hello -o a.md --from 1 --at 1", "--at", "--from")
    refused("hello -o a.svg --size 9x9", "60x20")
    refused("hello -o a.svg --pane panel", "panel", "not on the screen")
    refused("hello -o a.md --names q", "'q'", "loss")
    refused("mine.json -o a.svg --sequence 2", "--sequence 2", "1 to 1")
    refused(
        "hello --at 60:generate --panel why -o a.svg --size nine",
        "nine",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.json", "there.svg"]
    assert cli.main(["export", "hello", "-o", "there.svg", "--force"]) == 0
    ET.parse(tmp_path / "there.svg")


def test_the_examples_of_its_help_parse(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "--help"]) == 0
    examples = re.findall(r"^  rnn-tui (export .*)$", capsys.readouterr().out, re.MULTILINE)
    assert len(examples) > 3
    for example in examples:
        assert arguments.parse(example.split()).command == "export"


def test_a_document_goes_to_stdout_too(rnn_tui: Program) -> None:
    result = rnn_tui(
        "export", "hello", "-o", "-", "--format", "csv", "--from", "1", "--to", "2", "--names", "loss"
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) > 8
    piece = rnn_tui("export", "hello", "-o", "-", "--format", "svg")
    assert piece.stdout.startswith("<?xml")
    assert set(FORMATS) >= set(PICTURES)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("120x40", (120, 40)),
        ("80×24", (80, 24)),
        ("59x40", None),
        ("80", None),
        ("80x24x3", None),
        ("500x40", None),
    ],
)
def test_sizes(text: str, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


# --- the README's


def test_the_pictures_of_the_readme_are_there_and_made_by_the_program(tmp_path: Path) -> None:
    assert make_pictures.main(tmp_path) == 0
    readme = (ROOT / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"!\[[^]]*\]\(docs/(.*?)\)", readme)) == sorted(make_pictures.PICTURES)
    for name in make_pictures.PICTURES:
        for folder in (tmp_path, ROOT / "docs"):
            text = (folder / name).read_text("utf-8")
            assert f"<!-- {MADE_BY}. -->" in text
            assert ET.fromstring(text).findtext(f"{SVG}desc")


# --- PNG


def a_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, and no cairosvg."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(converting, "_by_cairosvg", lambda svg: None)
    return tmp_path


def test_without_a_converter_one_line_says_what_to_install(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "hi-there", "-o", str(alone / "a.png")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for each in ("rsvg-convert", "cairosvg", "Inkscape", "ImageMagick"):
        assert each in said
    assert not (alone / "a.png").exists()


@pytest.mark.parametrize("name", [name for name, _ in converting.PROGRAMS])
def test_any_converter_gets_the_svg_and_gives_the_png(alone: Path, name: str) -> None:
    a_program(
        alone,
        name,
        r"printf '\211PNG\r\n\032\n'; while read -r line; do printf '%s\n' \"$line\"; done".replace(
            '\\"', '"'
        ),
    )
    made = png("<svg>\n</svg>\n")
    assert made == SIGNATURE + b"<svg>\n</svg>\n"


@pytest.mark.parametrize("body", ["echo 'no such font' >&2; exit 1", "echo text", "echo; echo why >&2"])
def test_a_converter_that_fails_is_quoted(alone: Path, body: str) -> None:
    a_program(alone, "rsvg-convert", body)
    with pytest.raises(NoPicture, match=r"rsvg-convert made no PNG: \w+"):
        png("<svg/>")


# --- by its key


async def answer(pilot: Play, text: str) -> str:
    """Type a file's name into the dialog; what the dialog says then, or nothing where it is gone."""
    pilot.app.screen.query_one(Input).value = text
    await keys(pilot, "enter")
    dialog = pilot.app.screen
    return "" if dialog is session(pilot) else str(dialog.query_one("#said", Static).content)


async def test_the_key_writes_what_the_screen_shows(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    async with opened("hello") as pilot:
        await keys(pilot, "f")
        before = screen_text(pilot)
        await keys(pilot, "X")
        assert pilot.app.screen.query_one(Input).value == "hello-1-backward-4-loss.svg"
        assert await answer(pilot, str(target)) == ""
        assert target.read_text("utf-8").splitlines() == before.splitlines()
        assert f"exported to {target}"[:60] in screen_text(pilot)


async def test_the_key_asks_before_it_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    target.write_text("mine", "utf-8")
    async with opened("hello") as pilot:
        await keys(pilot, "X")
        assert "once more replaces it" in await answer(pilot, str(target))
        assert target.read_text("utf-8") == "mine"
        await keys(pilot, "escape", "X")
        assert "once more replaces it" in await answer(pilot, str(target))  # a new question, a new answer
        assert await answer(pilot, str(target)) == ""
        ET.parse(target)


async def test_what_the_key_cannot_write_the_dialog_says(tmp_path: Path) -> None:
    async with opened("hello") as pilot:
        await keys(pilot, "X")
        assert "a file needs a name" in await answer(pilot, " ")
        assert "'gif' is no format" in await answer(pilot, "a.gif")
        assert "no such file or directory" in await answer(pilot, str(tmp_path / "none" / "a.md"))
        assert "cannot be written" in await answer(pilot, "~no-such-user-here/a.md")
        assert "oo long" in await answer(pilot, f"{tmp_path}/{'a' * 300}.md")
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "a.svg").mkdir()
        assert "a directory; expected a file" in await answer(pilot, str(tmp_path / "a.svg"))


async def test_a_zoomed_pane_is_alone_in_the_picture_and_a_step_is_a_document(tmp_path: Path) -> None:
    picture_file, step = tmp_path / "a.txt", tmp_path / "a.md"
    async with opened("hello") as pilot:
        await keys(pilot, "right", "z", "X")
        assert await answer(pilot, str(picture_file)) == ""
        assert picture_file.read_text("utf-8").startswith("┏━ hidden state h")
        await keys(pilot, "X")
        assert await answer(pilot, str(step)) == ""
        assert step.read_text("utf-8").count("\n## ") == 1
        assert "\n## 1:forward:1:h\n" in step.read_text("utf-8")
        await keys(pilot, "x", "X")  # a panel in the place of the zoomed pane
        assert await answer(pilot, str(tmp_path / "b.txt")) == ""
        assert "in full" in (tmp_path / "b.txt").read_text("utf-8")


async def test_a_document_tells_no_answer_of_predict_mode(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    async with opened("hello") as pilot:
        await keys(pilot, "p", "right", "X")
        assert "first the answer" in await answer(pilot, str(target))
        assert not target.exists()
        assert await answer(pilot, str(tmp_path / "a.txt")) == ""
        assert (tmp_path / "a.txt").read_text("utf-8").count("?") > 0


def test_text_has_no_colours_so_a_heat_map_in_it_has_glyphs(tmp_path: Path) -> None:
    wide = tmp_path / "wide.json"
    wide.write_text(
        json.dumps(document("h = tanh(W @ h[t-1])", {"W": [[0.01 * k - 0.3] * 64 for k in range(64)]}))
    )
    text = export(tmp_path, str(wide), name="a.txt").read_text("utf-8")
    assert "▀" not in text
    assert "~" * 32 in text


def test_a_curve_without_its_frame_says_which_size_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "hello", "--pane", "curve", "-o", str(tmp_path / "curve.svg")]) == 2
    assert "160x48" in capsys.readouterr().err
    assert (
        cli.main(["export", "hello", "--pane", "curve", "--size", "160x48", "-o", str(tmp_path / "c.svg")])
        == 0
    )
