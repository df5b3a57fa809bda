"""Frames as differences: whatever was on the terminal, after them it shows what a plain paint would show."""

from __future__ import annotations

import io
from itertools import product
from typing import Literal

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual import _compositor
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from rnn_tui.painting import painter
from rnn_tui.painting.app import PaintedApp
from rnn_tui.painting.cells import PLAIN, Pen, cells_of, pen_of
from rnn_tui.painting.diff import change, move
from rnn_tui.painting.pace import PATIENCE, QUESTION, Looks, Pace
from rnn_tui.painting.painter import Painter, seam
from tests.terminal import visible
from tests.test_screen_app import until

WIDE, HIGH = 14, 4
COLOURS = ("#87afff", "#ffaf5f", "#102030", "red", "default")
STYLES = st.builds(
    Style,
    color=st.sampled_from(COLOURS),
    bgcolor=st.sampled_from(COLOURS),
    bold=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
)
TEXTS = st.text(st.sampled_from("ab 01·│漢字é█▸é "), min_size=1, max_size=6).map(lambda text: text.lstrip("́"))
SYSTEMS = st.sampled_from((ColorSystem.TRUECOLOR, ColorSystem.STANDARD))
BLANK = Style(bgcolor="#121212")


@st.composite
def lines(draw: st.DrawFn) -> Strip:
    """A line of exactly `WIDE` cells, in some styles."""
    segments = [Segment(text, draw(STYLES)) for text in draw(st.lists(TEXTS, max_size=5)) if text]
    return Strip(segments).adjust_cell_length(
        WIDE, draw(st.sampled_from((BLANK, Style(bgcolor="red"), Style())))
    )


PICTURES = st.lists(lines(), min_size=HIGH, max_size=HIGH)


class Terminal:
    """What a terminal shows after the bytes it was sent."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDE, HIGH)
        self.screen.reset_mode(7, private=True)  # as Textual does: no wrapping
        self._stream = pyte.Stream(self.screen)

    def feed(self, sequence: str) -> None:
        self._stream.feed(sequence)

    def shown(self) -> list[list[tuple[object, ...]]]:
        return visible(self.screen)


def whole(picture: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in picture], Region(0, 0, WIDE, HIGH))


def console(system: ColorSystem) -> Console:
    name: Literal["truecolor", "standard"] = "truecolor" if system is ColorSystem.TRUECOLOR else "standard"
    return Console(file=io.StringIO(), force_terminal=True, color_system=name)


def plainly(update: CompositorUpdate, system: ColorSystem) -> list[list[tuple[object, ...]]]:
    """The screen after Textual's own update alone."""
    terminal = Terminal()
    for strips in getattr(update, "strips", ()):
        for strip in strips:
            strip._render_cache = None  # it keeps what it rendered for another colour system
            for segment in strip:
                if segment.style is not None:
                    segment.style._ansi = None
    terminal.feed(update.render_segments(console(system)))
    return terminal.shown()


@given(st.lists(PICTURES, min_size=1, max_size=3), SYSTEMS, st.booleans())
def test_after_any_frames_the_screen_is_that_of_a_plain_paint(
    pictures: list[list[Strip]], system: ColorSystem, erases: bool
) -> None:
    terminal, painter_ = Terminal(), Painter(system, erases=erases)
    terminal.feed("something else\x1b[31m that was there")
    for picture in pictures:
        assert painter_.take(whole(picture))
        terminal.feed(painter_.frame())
        assert painter_.frame() == ""
        assert terminal.shown() == plainly(whole(picture), system)


@given(PICTURES, PICTURES, st.integers(0, HIGH - 1), st.integers(1, WIDE - 1))
def test_parts_of_lines_go_into_the_picture(
    before: list[Strip], after: list[Strip], y: int, cut: int
) -> None:
    """Chops of two widgets side by side, of which the right one has changed."""
    left, right = (before[y].crop(0, cut), after[y].crop(cut, WIDE))
    chops: list[dict[int, Strip | None]] = [{0: None, cut: None} for _ in range(HIGH)]
    chops[y][cut] = right
    update = ChopsUpdate(chops, [(y, WIDE - 1, WIDE)], [[cut, WIDE]] * HIGH)
    painter_, terminal = Painter(ColorSystem.TRUECOLOR, erases=True), Terminal()
    painter_.take(whole(before))
    terminal.feed(painter_.frame())
    assert painter_.take(update)
    terminal.feed(painter_.frame())
    mixed = [*before[:y], Strip.join([left, right]), *before[y + 1 :]]
    assert terminal.shown() == plainly(whole(mixed), ColorSystem.TRUECOLOR)


@given(PICTURES, PICTURES, st.integers(0, HIGH - 1), st.integers(1, WIDE - 1))
def test_a_line_of_a_widget_goes_into_the_picture(
    before: list[Strip], after: list[Strip], y: int, cut: int
) -> None:
    painter_, terminal = Painter(ColorSystem.TRUECOLOR, erases=True), Terminal()
    assert not painter_.covers(Size(WIDE, HIGH))
    painter_.take(whole(before))
    assert painter_.covers(Size(WIDE, HIGH))
    terminal.feed(painter_.frame())
    painter_.put(cut, y, WIDE - cut, painter_.cells(after[y].crop(cut, WIDE)))
    terminal.feed(painter_.frame())
    mixed = [*before[:y], Strip.join([before[y].crop(0, cut), after[y].crop(cut, WIDE)]), *before[y + 1 :]]
    assert terminal.shown() == plainly(whole(mixed), ColorSystem.TRUECOLOR)


def test_a_part_of_a_picture_that_is_not_there_is_refused() -> None:
    update = ChopsUpdate([{0: Strip([Segment("x")])}], [(0, 0, 1)], [[1]])
    painter_ = Painter(ColorSystem.TRUECOLOR, erases=True)
    assert not painter_.take(update)
    assert painter_.frame() == ""


def test_what_was_forgotten_is_painted_whole() -> None:
    painter_, terminal = Painter(ColorSystem.TRUECOLOR, erases=True), Terminal()
    picture = [Strip([Segment("abc".ljust(WIDE), BLANK)])] * HIGH
    painter_.take(whole(picture))
    painter_.frame()
    painter_.forget()
    terminal.feed("what a shell has left")
    terminal.feed(painter_.frame())
    assert terminal.shown() == plainly(whole(picture), ColorSystem.TRUECOLOR)


def test_one_number_costs_a_move_and_its_digits() -> None:
    style = Style(color="#87afff", bgcolor="#121212")
    strips = [Strip([Segment(text, style)]) for text in ("0.1234 0.5678 ", "0.1234 0.5679 ")]
    painter_ = Painter(ColorSystem.TRUECOLOR, erases=True)
    painter_.take(whole([strips[0]] * HIGH))
    painter_.frame()
    painter_.take(whole([strips[0], strips[1], *[strips[0]] * (HIGH - 2)]))
    assert painter_.frame() == "\x1b[2;13H\x1b[38;5;111;48;5;233m9\x1b[m"


def test_a_short_stretch_is_written_again_and_a_long_one_is_moved_over() -> None:
    style = Style(color="red")
    lines_ = ["a.a..........a", "b.b..........b"]
    strips = [Strip([Segment(text, style)]) for text in lines_]
    painter_ = Painter(ColorSystem.STANDARD, erases=True)
    painter_.take(whole([strips[0]] * HIGH))
    painter_.frame()
    painter_.take(whole([strips[1], *[strips[0]] * (HIGH - 1)]))
    assert painter_.frame() == "\x1b[H\x1b[31mb.b\x1b[10Cb\x1b[m"


def test_the_end_of_a_line_is_erased_where_the_terminal_erases_in_colour() -> None:
    full, empty = Strip([Segment("x" * WIDE, BLANK)]), Strip([Segment("x".ljust(WIDE), BLANK)])
    frames = {}
    for erases in (True, False):
        painter_ = Painter(ColorSystem.TRUECOLOR, erases=erases)
        painter_.take(whole([full] * HIGH))
        painter_.frame()
        painter_.take(whole([empty, *[full] * (HIGH - 1)]))
        frames[erases] = painter_.frame()
    assert "\x1b[K" in frames[True]
    assert "\x1b[K" not in frames[False]


def test_every_move_arrives_and_none_is_longer_than_the_plain_one() -> None:
    places = list(product(range(WIDE), range(HIGH)))
    for (x0, y0), (x, y) in product(places, places):
        for known_x, known_y in ((x0, y0), (None, y0), (None, None)):
            terminal = Terminal()
            terminal.screen.cursor.x, terminal.screen.cursor.y = x0, y0
            sequence = move(known_x, known_y, x, y)
            terminal.feed(sequence)
            assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (x, y)
            assert len(sequence) <= len(f"\x1b[{y + 1};{x + 1}H")


@given(STYLES, STYLES)
def test_every_change_of_pen_ends_in_that_pen(one: Style, other: Style) -> None:
    now, to = (pen_of(style, ColorSystem.TRUECOLOR) for style in (one, other))
    walked, fresh = Terminal(), Terminal()
    for pen in (now, to):
        walked.feed(change(PLAIN if pen is now else now, pen)[0])
    fresh.feed(change(PLAIN, to)[0])
    assert walked.screen.cursor.attrs == fresh.screen.cursor.attrs


def test_a_blank_changes_the_background_alone() -> None:
    pen = Pen("31", "44", ("1", "4"))
    assert change(pen, Pen(None, "44")) == ("\x1b[24m", Pen("31", "44", ("1",)))
    assert change(Pen("31", "44", ("1",)), Pen(None, "44"))[0] == ""


def test_a_colour_of_the_cube_is_sent_by_its_number_and_others_in_full() -> None:
    pens = [
        pen_of(Style(color=colour), ColorSystem.TRUECOLOR).ink for colour in ("#87afff", "#87affe", "#0000d7")
    ]
    assert pens == ["38;5;111", "38;2;135;175;254", "38;2;0;0;215"]  # terminals redefine 16 to 21


def test_256_colours_show_a_colour_of_the_cube_exactly() -> None:
    greys = [Style(color=f"#{8 + 10 * k:02x}{8 + 10 * k:02x}{8 + 10 * k:02x}") for k in range(24)]
    assert [pen_of(grey, ColorSystem.EIGHT_BIT).ink for grey in greys] == [
        f"38;5;{232 + k}" for k in range(24)
    ]


@pytest.mark.parametrize("text", ["abc", "漢字", "é", "a漢b", "👩‍👩‍👧x", "❤️x"])
def test_a_text_takes_as_many_cells_as_textual_gives_it(text: str) -> None:
    segment = Segment(text, Style())
    assert len(cells_of(segment, ColorSystem.TRUECOLOR)) == segment.cell_length


def test_without_the_seam_textual_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seam()

    class Other:
        def __init__(self, fragments: object) -> None:
            self.fragments = fragments

    monkeypatch.setattr(_compositor, "ChopsUpdate", Other)
    assert not painter.seam()
    monkeypatch.delattr(_compositor, "ChopsUpdate")
    assert not painter.seam()


# how fast


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_that_never_answers_is_asked_once_and_never_waited_for() -> None:
    pace = Pace(clock := Clock())
    asked = []
    for _ in range(9):
        assert not pace.behind
        asked.append(pace.question())
        clock.now += 0.01
    assert asked == [QUESTION, *[""] * 8]


def test_two_frames_go_ahead_of_a_terminal_that_answers() -> None:
    pace = Pace(Clock())
    pace.question()
    pace.answered()
    assert [pace.question(), pace.question()] == [QUESTION] * 2
    assert pace.behind
    pace.answered()
    assert not pace.behind


def test_one_frame_goes_ahead_on_a_line_that_is_full() -> None:
    pace = Pace(clock := Clock())
    behind = []
    for took in (0.2, 0.3, 0.5, 0.2):
        pace.question()
        clock.now += took
        pace.answered()
        pace.question()
        behind.append(pace.behind)
        clock.now += 0.2
        pace.answered()
    assert behind == [False, False, True, False]


def test_a_terminal_that_stops_answering_is_waited_for_once() -> None:
    pace = Pace(clock := Clock())
    pace.question()
    pace.answered()
    pace.question()
    pace.question()
    clock.now += PATIENCE - 0.1
    waits = [pace.behind]
    clock.now += 0.2
    waits.append(pace.behind)
    assert [pace.question(), pace.question(), pace.question()] == [QUESTION, "", ""]
    assert [*waits, pace.behind] == [True, False, False]


def test_a_frame_is_early_until_its_period_is_over() -> None:
    pace = Pace(clock := Clock(), period=0.25)
    assert pace.early == 0.0
    pace.question()
    early = []
    for _ in range(3):
        early.append(pace.early)
        clock.now += 0.125
    assert early == [0.25, 0.125, 0.0]


def test_leaving_waits_for_an_answer_that_is_on_its_way_only() -> None:
    pace = Pace(clock := Clock())
    assert not pace.answer_due(1)
    pace.question()
    assert pace.answer_due(1)
    clock.now = 2
    assert not pace.answer_due(1)


def test_a_line_that_takes_nothing_is_looked_at_soon_and_then_seldom() -> None:
    looks = Looks()
    assert [round(looks.wait() * 1e3) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 50, 50]
    looks.done()
    assert looks.wait() == 0.001


async def test_what_waits_for_a_frame_waits_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as Textual's writer has something to write, another thread would be in its way."""
    looks, called = 0, []

    def queued(_: object) -> bool:
        nonlocal looks
        looks += 1
        return looks < 5

    monkeypatch.setattr(PaintedApp, "_ours", property(lambda _: True))
    monkeypatch.setattr(PaintedApp, "_queued", property(queued))
    app: PaintedApp[None] = PaintedApp()
    async with app.run_test() as pilot:
        app.when_taken(lambda: called.append(looks))
        app.redraw()
        await until(pilot, lambda: bool(called))
        assert called[0] >= 5
        app.redraw()
        await until(pilot, lambda: looks > called[0])
        assert len(called) == 1
