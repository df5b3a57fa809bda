"""What panes draw, by the text they render: no app, no terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnn_engine.panes import PANES
from rnn_engine.snapshot import Formula, Matrix
from rnn_tui.controller import Controller
from rnn_tui.lessons import directory
from rnn_tui.render.arrange import arrange, boxed
from rnn_tui.render.cells import Cell, Selection, exact, moved, resolve, selection_at
from rnn_tui.render.display import Display
from rnn_tui.render.lines import FooterView, draw_equation, draw_footer, draw_narration, draw_title
from rnn_tui.render.number import bar, number, scale
from rnn_tui.render.pack import pack, window
from rnn_tui.render.palette import palette
from rnn_tui.render.pane import Drawn, Manner, PaneView, draw_pane
from rnn_tui.render.shares import shares
from rnn_tui.render.spans import fit, text_of, width
from rnn_tui.render.timeline import draw_timeline
from rnn_tui.screens.stage import PANE_TYPES
from tests.fake_controller import FakeController

SIZES = ((60, 20), (80, 24), (100, 31), (120, 40), (200, 60))


def over_time(rows: int, columns: int, current: int = 1) -> Matrix:
    values = np.arange(rows * columns, dtype=float).reshape(rows, columns) / 10 - 0.3
    written = np.zeros(values.shape, bool)
    written[current] = True
    labels = tuple(str(t) for t in range(rows)), tuple(str(u) for u in range(columns))
    return Matrix("h", values, *labels, written=written, current=current, kind="over time")


def pane_text(view: PaneView, wide: int, high: int) -> str:
    return text_of(draw_pane(view, wide, high).lines)


# the equation


@pytest.mark.parametrize("wide", range(24, 120, 5))
def test_no_number_of_a_formula_is_cut(wide: int) -> None:
    texts = (
        "[-0.1254, 0.2, -1.382] * (1 - [0.5, 0.25, 0.125]**2) + [0.3423, 12.5, 0.7]",
        "[-0.13, …] * … + [0.34, …]",
    )
    for result in ("= [-0.125428, -0.026932, -1.382000, 0.640000, 0.342312]", "= 0.125"):
        lines = draw_equation(Formula("h = a + b", texts, result), wide, 2)
        shown = text_of(lines)
        whole = set(" ".join((*texts, result)).replace("(", " ").replace(")", " ").replace("**", " ").split())
        assert width(lines[-1]) <= wide
        for word in shown.splitlines()[-1].replace("(", " ").replace(")", " ").replace("**", " ").split():
            assert word in whole or word in ("…]", "…", "=", "… ="), (wide, shown)


# numbers


@pytest.mark.parametrize(
    ("value", "room", "decimals", "shown"),
    [
        (0.0, 7, 4, "0"), (-0.0, 7, 4, "0"), (0.46211715, 7, 4, "0.4621"), (-0.46211715, 7, 4, "-0.4621"),
        (12345.678, 7, 4, "12345.7"), (-12345.678, 7, 4, "-12346"), (1e9, 7, 4, "1.000e9"), (-1.5e-7, 7, 4, "-1.5e-7"),
        (3.2e-5, 7, 4, "3.20e-5"), (0.06, 5, 2, "0.06"), (0.004, 5, 2, "4e-3"), (float("nan"), 7, 4, "nan"),
        (float("-inf"), 7, 4, "-inf"), (1.0, 2, 0, "1"), (-1.0, 2, 0, "-1"), (1e300, 5, 2, "1e300"),
    ],
)  # fmt: skip
def test_numbers_in_their_room(value: float, room: int, decimals: int, shown: str) -> None:
    assert number(value, room, decimals) == shown


@given(st.floats(), st.sampled_from([(7, 4), (6, 3), (5, 2)]))
def test_a_number_always_fits_and_never_hides_its_sign_or_that_it_is_zero(
    value: float, room: tuple[int, int]
) -> None:
    shown = number(value, *room)
    assert len(shown) <= room[0]
    assert (shown == "0") == (value == 0)
    if value < 0 and shown != "~0":
        assert "-" in shown


def test_bars_tell_size_and_only_zero_has_none() -> None:
    full = scale(0.8)
    assert full == 1.0
    assert [bar(value, full) for value in (0.0, 1e-9, -0.5, 1.0)] == [" ", "▁", "▄", "▇"]


# windows and packing


@given(st.integers(1, 80), st.integers(1, 30), st.data())
def test_a_window_shows_the_focus_and_its_neighbours(count: int, visible: int, data: st.DataObject) -> None:
    focus = data.draw(st.integers(0, count - 1))
    first, last = window(count, visible, focus)
    assert 0 <= first <= focus < last <= count
    assert last - first == min(count, visible)
    if visible >= 4:
        assert first <= max(focus - 1, 0)
        assert min(focus + 1, count - 1) < last


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), min_size=1, max_size=8))
def test_packed_blocks_do_not_overlap_nor_touch(sizes: list[tuple[int, int]]) -> None:
    spots = pack(sizes, 30, 14, 2, 1)
    if spots is None:
        return
    taken: set[tuple[int, int]] = set()
    for (x, y), (w, h) in zip(spots, sizes, strict=True):
        cells = {(cx, cy) for cx in range(x, x + w) for cy in range(y, y + h)}
        assert not cells & taken
        assert x + w <= 30
        assert y + h <= 14
        # Two cells stay free beside it.
        taken |= {(cx, cy) for cx in range(x - 2, x + w + 2) for cy in range(y, y + h)}


# panes


def test_a_pane_marks_the_current_row_what_was_written_and_what_is_unknown() -> None:
    known = np.array([[True, True], [True, True], [False, False]])
    base = over_time(3, 2)
    matrix = Matrix(
        "h",
        base.values,
        base.rows,
        base.columns,
        known=known,
        written=base.written,
        current=1,
        kind="over time",
    )
    view = PaneView("hidden state h", "h", (matrix,), focused=True)
    assert pane_text(view, 40, 7).splitlines() == [
        "┏━ hidden state h ━━━━━━━━━━━━━━━━━ h ━┓",
        "┃ h•       0        1                  ┃",
        "┃  0 -0.3000▄ -0.2000▃                 ┃",
        "┃ ▸1 -0.1000▁       0                  ┃",
        "┃  2       ·        ·                  ┃",
        "┃                                      ┃",
        "┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛",
    ]
    roles = {text: role for line in draw_pane(view, 40, 7).lines for text, role in line}
    assert "written" in roles["-0.1000"]
    assert "cursor" in roles["-0.1000"]
    assert roles["0"].split()[-1] == "written"


def test_rows_out_of_view_are_counted() -> None:
    text = pane_text(PaneView("hidden", "h", (over_time(25, 2, current=12),), boxed=False), 36, 7)
    assert "▸12" in text
    assert "↑10 ↓11 more" in text


def test_columns_out_of_view_are_counted() -> None:
    text = pane_text(
        PaneView("hidden", "h", (over_time(3, 40),), boxed=False, display=Display("numbers")), 36, 9
    )
    assert "→" in text
    assert "more" in text


def test_matrices_without_room_are_named() -> None:
    base = over_time(4, 6)
    many = tuple(Matrix(f"m{at}", base.values, base.rows, base.columns) for at in range(5))
    assert "+4 more: m1 m2" in pane_text(PaneView("weights", "w", many, boxed=False), 44, 6)


def test_an_empty_pane_says_so() -> None:
    assert "nothing here" in pane_text(PaneView("gradients", "g"), 30, 5)


def test_tokens_run_to_the_right() -> None:
    snapshot = FakeController().snapshot
    view = PaneView(
        "inputs", "i", snapshot.panes["inputs"], boxed=False, manner=Manner(across=True, entries=True)
    )
    assert pane_text(view, 36, 4).splitlines() == [
        "─ inputs ─────────────────────── i ─",
        " t      ▸1     2     3     4",
        " x      hi there class     !",
        " y   there class     !    hi",
    ]


def test_probabilities_have_bars_target_and_choice() -> None:
    controller = FakeController()
    controller.go_to("1:forward:2:p")
    view = PaneView("output p", "o", controller.snapshot.panes["output"], manner=Manner(shares=True))
    lines = pane_text(view, 57, 13).splitlines()
    assert "◎ target ● chosen" in lines[0]
    assert any(line.count("━") > 5 and "◉" in line and "class" in line for line in lines)


def test_the_largest_probabilities_and_the_target_stay_when_there_are_many() -> None:
    controller = FakeController(8, [f"t{at}" for at in range(64)], 6)
    controller.go_to("1:forward:2:p")
    text = pane_text(
        PaneView("output p", "o", controller.snapshot.panes["output"], manner=Manner(shares=True)), 57, 20
    )
    assert "◎" in text.split("─ output p")[1].split("chosen", 1)[1] or "◉" in text
    assert "more" in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("real", [False, True])
def test_every_line_has_exactly_its_width(size: tuple[int, int], real: bool) -> None:
    controller = FakeController(32, [f"t{at}" for at in range(64)], 25) if real else FakeController()
    boxes = arrange(*size)
    for index in range(0, controller.per_iteration, 7):
        controller.index = index
        snapshot = controller.snapshot
        for cls in PANE_TYPES:
            _, _, wide, high = boxes[cls.NAME]
            matrices = snapshot.panes[cls.NAME]
            view = PaneView(cls.NAME, cls.LETTER, matrices, boxed=boxed(*size), manner=cls.MANNER)
            lines = draw_pane(view, wide, high).lines
            assert len(lines) == high
            assert {width(line) for line in lines} == {wide}
        timeline = boxes["timeline"]
        assert all(width(line) == timeline[2] for line in draw_timeline(snapshot.timeline, *timeline[2:]))


def test_wide_tokens_keep_the_columns_straight() -> None:
    controller = FakeController(2, ("漢字", "かな", "🙂", "é"), 4)
    for cls in PANE_TYPES:
        view = PaneView(cls.NAME, cls.LETTER, controller.snapshot.panes[cls.NAME], manner=cls.MANNER)
        assert {width(line) for line in draw_pane(view, 60, 14).lines} == {60}


def test_the_view_depends_on_address_size_and_cell_alone() -> None:
    """Walk there and back: every address looks the same both ways."""
    controller = FakeController(8, tuple("abcdefgh"), 12)

    def look() -> str:
        snapshot = controller.snapshot
        return "".join(
            pane_text(PaneView(name, "x", snapshot.panes[name], boxed=False, focused=name == "hidden"), 36, 7)
            for name in PANES
        )

    there = []
    for _ in range(controller.per_iteration):
        there.append(look())
        controller.move("step")
    for seen in reversed(there):
        controller.move("step_back")
        assert look() == seen


# the cell


def test_the_cell_follows_time_until_it_is_moved_off_the_current_row() -> None:
    matrices = (over_time(5, 3, current=1),)
    cell = resolve(None, matrices)
    assert cell == Cell(0, 1, 0)
    layout = draw_pane(PaneView("h", "h", matrices), 40, 9).layout
    right = moved(cell, matrices, layout, 1, 0, False)
    chosen = selection_at(right, matrices)
    assert chosen == Selection("h", None, 1)
    assert resolve(chosen, (over_time(5, 3, current=4),)) == Cell(0, 4, 1)
    below = selection_at(moved(right, matrices, layout, 0, 1, False), matrices)
    assert below == Selection("h", 2, 1)
    assert resolve(below, (over_time(5, 3, current=4),)) == Cell(0, 2, 1)


def test_every_cell_of_a_pane_can_be_reached() -> None:
    matrices = FakeController().snapshot.panes["weights"]
    layout = draw_pane(PaneView("weights", "w", matrices), 63, 14).layout
    seen, edge = {Cell(0, 0, 0)}, [Cell(0, 0, 0)]
    while edge:
        cell = edge.pop()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (step := moved(cell, matrices, layout, dx, dy, False)) not in seen:
                seen.add(step)
                edge.append(step)
    assert len(seen) == sum(matrix.values.size for matrix in matrices)


def test_the_exact_value_is_pythons_own() -> None:
    matrices = FakeController().snapshot.panes["weights"]
    name, value = exact(Cell(0, 1, 2), matrices)
    assert name == "W_xh[1,class]"
    assert float(value) == matrices[0].values[1, 2]


# the lines around


def test_the_equation_takes_the_fullest_numbers_that_fit() -> None:
    formula = Formula("h = tanh(a)", ("tanh(0.5 + 0.25 + 0.125 + 0.0625)", "tanh(0.9375)"), "= 0.7341")
    assert (
        text_of(draw_equation(formula, 60, 2)).splitlines()[1]
        == "  = tanh(0.5 + 0.25 + 0.125 + 0.0625) = 0.7341"
    )
    assert text_of(draw_equation(formula, 30, 2)).splitlines()[1] == "  = tanh(0.9375) = 0.7341"


def test_the_narration_yields_to_note_and_message() -> None:
    texts = ("a longer sentence that says it all", "short")
    assert text_of(draw_narration(texts, "", "", 60, 1)).strip() == texts[0]
    assert text_of(draw_narration(texts, "", "", 20, 1)).strip() == "short"
    assert text_of(draw_narration(texts, "look here", "", 60, 1)).strip() == "◆ look here"
    assert text_of(draw_narration(texts, "look here", "no", 60, 1)).strip() == "no"


def test_a_note_that_is_cut_says_where_the_rest_is() -> None:
    assert text_of(draw_narration((), "word " * 40, "", 40, 2)).endswith("… ? shows all")


def test_the_title_keeps_the_exact_value() -> None:
    line = text_of(
        [
            draw_title(
                "A title that is far too long for the line it stands in",
                "1:forward:2:h",
                "",
                (1, 1),
                ("h[2][1]", "-0.20464571679388183"),
                60,
            )
        ]
    )
    assert line.rstrip().endswith("h[2][1] = -0.20464571679388183")
    assert "1:forward:2:h" in line


def test_the_footer_keeps_help_and_quit_at_any_width() -> None:
    for wide in (60, 80, 120, 200):
        line = text_of([draw_footer(FooterView(), wide)])
        assert "? help" in line
        assert "q quit" in line
        assert ": commands" in line


def test_the_footer_names_every_explanation_at_120_columns() -> None:
    for idle in (frozenset[str](), frozenset({"step_back"}), frozenset({"step"})):
        line = text_of([draw_footer(FooterView(idle=idle), 120)])
        for named in ("s into", "Enter why?", "x full", "t flow", "p predict"):
            assert named in line, line


def test_the_timeline_says_phase_time_step_iteration_and_index() -> None:
    controller = FakeController()
    controller.go_to("3:backward:2:h")
    timeline = controller.snapshot.timeline
    assert "t 2/4 step" in text_of(draw_timeline(timeline, 80, 1))
    text = text_of(draw_timeline(timeline, 118, 4))
    assert "iteration 3/20" in text
    assert f"{timeline.index + 1}/900" in text
    assert text.count("●") == 2
    assert "◆" in text


# spans and styles


@given(
    st.lists(st.tuples(st.sampled_from(["a", "bb", "漢"]), st.sampled_from(["", "now"])), max_size=6),
    st.integers(0, 14),
)
def test_fit_is_exact(line: list[tuple[str, str]], room: int) -> None:
    assert width(fit(line, room)) == room


@pytest.mark.parametrize("theme", ["dark", "light", "plain"])
def test_every_role_that_is_drawn_has_a_style(theme: str) -> None:
    styles = palette(theme)
    controller = FakeController()
    for index in range(0, 45, 3):
        controller.index = index
        for name in PANES:
            view = PaneView(
                name,
                "x",
                controller.snapshot.panes[name],
                focused=True,
                jump=True,
                manner=Manner(shares=True),
            )
            for line in draw_pane(view, 60, 14).lines:
                for _, role in line:
                    style = styles.style(role)
                    assert theme != "plain" or style.color is None


def test_written_and_selected_show_without_colour() -> None:
    plain = palette("plain")
    assert plain.style("positive written").underline
    assert plain.style("positive cursor").reverse
    assert plain.style("zero").dim


@pytest.mark.parametrize("name", ["hello", "lstm-remembers"])
def test_a_pane_drawn_after_another_is_what_it_is_drawn_alone(name: str) -> None:
    """What is taken from the drawing before is only what would be drawn the same."""
    controller = Controller.open(str(directory() / f"{name}.json"))
    drawn: dict[str, Drawn] = {}
    taken = 0
    for turn, motion in enumerate(
        ("step",) * 6 + ("phase", "step", "step", "phase", "step", "phase_back") * 4
    ):
        controller.move(motion)
        display = Display(scale=("matrix", "pane")[turn // 5 % 2])
        for pane, matrices in controller.snapshot.panes.items():
            selection = Selection(matrices[0].key, turn % 3, turn % 2) if turn % 4 == 3 else None
            view = PaneView(pane, "x", matrices, focused=turn % 2 == 0, selection=selection, display=display)
            for size in ((60, 14), (44, 9)):
                last = drawn.get(f"{pane} {size}")
                after, alone = draw_pane(view, *size, last), draw_pane(view, *size)
                assert (after.lines, after.layout, after.parts) == (alone.lines, alone.layout, alone.parts)
                before = {} if last is None else last.done
                taken += sum(
                    at in before and each.lines is before[at].lines for at, each in after.done.items()
                )
                drawn[f"{pane} {size}"] = after
    assert taken > 100


@pytest.mark.parametrize("name", ["hello", "hi-there-class-bptt", "lstm-remembers", "batch"])
@pytest.mark.parametrize("view_boxed", [True, False])
def test_every_line_of_a_pane_takes_its_width(name: str, view_boxed: bool) -> None:
    """What a widget sends as it is drawn has to: else all that stands to the right of it would move."""
    controller = Controller.open(str(directory() / f"{name}.json"))
    for motion in ("step", "phase", "step", "phase"):
        controller.move(motion)
        snapshot = controller.snapshot
        for pane_type in PANE_TYPES:
            matrices = snapshot.panes[pane_type.NAME]
            title = snapshot.names[pane_type.NAME]
            view = PaneView(title, "x", matrices, focused=True, boxed=view_boxed, manner=pane_type.MANNER)
            for wide, high in product(range(16, 70, 3), (3, 4, 9, 16)):
                lines = draw_pane(view, wide, high).lines
                assert [width(line) for line in lines] == [wide] * high, (pane_type.NAME, wide, high)


# what no room may do


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 7), st.booleans(), st.integers(1, 40)),
        min_size=1,
        max_size=9,
    ),
    st.integers(26, 90),
    st.integers(4, 24),
    st.sampled_from(["auto", "numbers", "both"]),
)
@example([(4, 1, True, 2), (4, 1, True, 2), (4, 4, True, 2), *[(4, 1, False, 5)] * 3], 36, 8, "numbers")
def test_no_digit_is_ever_cut(
    kinds: list[tuple[int, int, bool, int]], wide: int, high: int, mode: str
) -> None:
    """However many matrices share however little room, and whatever they are called."""
    matrices = tuple(
        Matrix(
            "W" * long,
            np.arange(rows * columns, dtype=float).reshape(rows, columns) / 7 - 0.3,
            tuple(map(str, range(rows))),
            tuple(map(str, range(columns))),
            kind="over time" if timed else "matrix",
            current=0 if timed else None,
        )
        for rows, columns, timed, long in kinds
    )
    view = PaneView("weights", "w", matrices, display=Display(mode))
    for line in pane_text(view, wide, high).splitlines()[1:-1]:
        assert not re.search(r"[\d.]…|-…", re.sub(r"[↑↓←→]\d*…", "", line)), line


def test_a_long_name_takes_no_room_from_its_matrix() -> None:
    base = over_time(2, 2)
    long = Matrix("parameter" * 7, base.values, base.rows, base.columns)
    others = tuple(Matrix(name, base.values, base.rows, base.columns) for name in ("W_hh", "W_hy"))
    text = pane_text(PaneView("weights", "w", (long, *others)), 63, 12)
    assert text.count("-0.3000") == 3
    assert "parameter" in text


@pytest.mark.parametrize("wide", [26, 30, 36])
def test_inputs_in_two_lines_still_say_where_we_are_and_what_is_out_of_view(wide: int) -> None:
    controller = FakeController()
    controller.go_to("1:forward:3:h")
    view = PaneView("inputs", "i", controller.snapshot.panes["inputs"], boxed=False)
    view = replace(view, manner=Manner(across=True, entries=True))
    lines = pane_text(view, wide, 3).splitlines()[1:]
    assert "▸class" in lines[0]
    assert "▸!" in lines[1]
    hidden = [word for word in ("hi", "there", "class", "!") if word not in lines[0].split("x", 1)[1]]
    assert sum(map(int, re.findall(r"[←→](\d+)", lines[0]))) == len(hidden)


def test_the_mark_of_an_edit_leaves_a_gap_between_tokens() -> None:
    texts = (("hi",), ("there",), ("class",))
    edited = np.array([[False], [True], [True]])
    made = Matrix(
        "x", np.zeros((3, 1)), ("1", "2", "3"), ("x",), texts=texts, edited=edited, kind="over time"
    )
    assert "hi ✎there ✎class" in pane_text(PaneView("i", "i", (made,), manner=Manner(across=True)), 40, 5)


@pytest.mark.parametrize("wide", [60, 70, 80, 120])
def test_the_title_drops_its_parts_whole_and_keeps_the_batch(wide: int) -> None:
    value = ("h[12][0]", "-0.123456789012345678")
    line = text_of([draw_title("Vanishing gradients", "1:forward:12:h", "", (3, 8), value, wide)])
    assert " h[12][0] = -0.123456789012345678" in line
    words = line.split()
    assert "1:forward:12:h" in words
    assert "3/8" in words
    assert words[words.index("3/8") - 1] == ("seq" if wide < 80 else "sequence")
    assert words[0][:5] in ("…", "Vanis")


@pytest.mark.parametrize("wide", range(60, 121, 5))
def test_the_parts_of_the_title_stand_apart_and_what_is_cut_has_a_sign(wide: int) -> None:
    for value, aside in (
        ("0.0319", "1 edit"),
        ("-0.123456789012345678", ""),
        ("-0.123456789012345678", "1 edit"),
    ):
        line = text_of(
            [draw_title("hello: a word", "1:forward:1:h", "", (1, 1), ("h[1][0]", value), wide, aside)]
        )
        before = line[: line.index("h[1][0]")]
        assert before.endswith("  ")
        assert "hello: a word" in line or "…  1:forward:1:h" in line or line.startswith("… 1:forward:1:h")


def test_the_footer_names_the_way_back_where_there_is_none_on() -> None:
    for wide in (60, 80):
        line = text_of([draw_footer(FooterView(view="hops", idle=frozenset({"below_in"})), wide)])
        assert "↑ before" in line and "↓" not in line


@given(st.integers(1, 60), st.integers(2, 30), st.data())
def test_a_window_shows_what_is_near_the_focus_too(count: int, visible: int, data: st.DataObject) -> None:
    focus, also = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    first, last = window(count, visible, focus, also)
    assert 0 <= first <= focus < last <= count
    assert last - first == min(count, visible)
    assert first <= also < last or abs(also - focus) >= visible


def test_a_cell_that_stays_behind_does_not_hide_where_we_are() -> None:
    view = PaneView("hidden", "h", (over_time(26, 2, current=25),), boxed=False, focused=True)
    near = pane_text(replace(view, selection=Selection("h", 22, 0)), 36, 8)
    assert "22" in near
    assert "▸25" in near.splitlines()[-2]
    far = pane_text(replace(view, selection=Selection("h", 3, 0)), 36, 8)
    assert "▸25" in far.splitlines()[-1]
    assert "↓" in far.splitlines()[-1]


@pytest.mark.parametrize("width", range(30, 110))
def test_what_is_said_below_bars_is_never_cut(width: int) -> None:
    p = np.full((1, 70), 0.8 / 69)
    p[0, 3] = 0.2
    matrix = Matrix("p", p, ("1",), tuple(f"c{k}" for k in range(70)), current=0, kind="over time")
    for largest_first in (None, True, False):
        last = text_of(shares(matrix, width, 9, largest_first=largest_first)).splitlines()[-1]
        assert "…" not in last and (last.startswith("c") or "more" in last)
