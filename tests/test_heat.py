"""Heat maps, scales, norms, bars and the loss curve, by the text and the roles they render."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnn_engine.observe import observe
from rnn_engine.snapshot import Matrix
from rnn_engine.timeline import Timeline
from rnn_tui.render import number
from rnn_tui.render.arrange import arrange, boxed
from rnn_tui.render.cells import Selection
from rnn_tui.render.curve import draw_curve, draw_curve_line, said_of
from rnn_tui.render.display import BARS, MODES, SCALES, Display
from rnn_tui.render.layout import layout
from rnn_tui.render.levels import (
    GLYPHS,
    UNKNOWN,
    between,
    codes,
    entry,
    extremes,
    full_scales,
    halves,
    pooled,
)
from rnn_tui.render.matrix import MAP_WIDTH, minimap
from rnn_tui.render.measure import Part, measure, part
from rnn_tui.render.norms import row_norms, shares
from rnn_tui.render.palette import palette
from rnn_tui.render.pane import Manner, PaneView, draw_pane, same
from rnn_tui.render.ramps import LEVELS
from rnn_tui.render.spans import text_of, width
from rnn_tui.screens.stage import PANE_TYPES
from rnn_tui.text import ascii_text
from tests.build import lesson
from tests.test_goldens import large

if TYPE_CHECKING:
    from rnn_engine.snapshot import Bools, Floats


def matrix(values: Floats, key: str = "W", kind: str = "matrix", known: Bools | None = None) -> Matrix:
    rows, columns = values.shape
    labels = tuple(map(str, range(rows))), tuple(map(str, range(columns)))
    return Matrix(key, values, *labels, kind=kind, known=known)


def waves(rows: int, columns: int) -> Floats:
    """Numbers of both signs and all sizes."""
    down, across = np.mgrid[:rows, :columns]
    return np.asarray(np.sin(0.9 * down + 0.1) * np.cos(0.7 * across), dtype=np.float64)


def over_time(rows: int, columns: int, current: int) -> Matrix:
    written = np.zeros((rows, columns), bool)
    written[current] = True
    made = matrix(waves(rows, columns), "h", "over time")
    return replace(made, written=written, current=current)


def drawn(view: PaneView, wide: int, high: int) -> str:
    return text_of(draw_pane(view, wide, high).lines)


HEAT = Display(mode="heat")
SCREENS = (("dark", "truecolor"), ("light", "256"), ("dark", "standard"))
"""Themes and numbers of colours."""


# levels


@given(arrays(np.float64, (3, 4), elements=st.floats(-10, 10)))
def test_a_glyph_says_the_sign_and_only_zero_is_blank(values: Floats) -> None:
    found = codes(matrix(values), 10.0)
    for value, code in zip(values.flat, found.flat, strict=True):
        glyph = entry(int(code))[0]
        assert (glyph == " ") == (value == 0)
        assert (glyph in "-~=#,") == (value < 0)
        assert (glyph in "+*%@'") == (value > 0)


@given(arrays(np.float64, (4, 4), elements=st.floats(-1, 1)))
def test_a_larger_number_is_never_a_smaller_level(values: Floats) -> None:
    found = codes(matrix(values), 1.0).astype(int)
    found[abs(found) == 6] = 0
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(found.flat[order]) >= 0).all()


def test_every_glyph_is_ascii_or_has_a_like_in_ascii_that_no_other_has() -> None:
    likes = [ascii_text(glyph) for glyph in GLYPHS.values()]
    assert all(like.isascii() for like in likes)
    by_size = [ascii_text(GLYPHS[level]) for level in range(-LEVELS, LEVELS + 1)]
    assert len(set(by_size)) == 2 * LEVELS + 1


def test_what_is_beyond_a_fixed_scale_says_so() -> None:
    found = codes(matrix(np.array([[-3.0, -1.0, 1.0, 3.0]])), 1.0)
    assert [entry(int(code))[0] for code in found[0]] == ["!", "#", "@", "!"]
    assert [entry(int(code))[1] for code in found[0]] == ["heat-4", "heat-4", "heat4", "heat4"]


@given(arrays(np.float64, (2, 3), elements=st.floats()), st.sampled_from([0.0, 5e-324, 1e-310, 1.0, 1e308]))
def test_any_numbers_have_codes_on_any_scale(values: Floats, full: float) -> None:
    for code in codes(matrix(values), full).flat:
        assert len(entry(int(code))[0]) == 1


def test_what_is_no_number_and_what_is_not_known_are_no_levels() -> None:
    values = np.array([[np.nan, np.inf, 0.5, 0.5]])
    known, asked = np.array([[True, True, False, False]]), np.array([[False, False, False, True]])
    found = codes(replace(matrix(values, known=known), asked=asked), 1.0)
    assert [entry(int(code)) for code in found[0]] == [
        ("!", "warning"),
        ("!", "warning"),
        ("·", "unknown"),
        ("?", "asked"),
    ]


def test_scales_are_of_each_matrix_shared_or_fixed() -> None:
    matrices = (matrix(np.array([[0.3]])), matrix(np.array([[-4.0]])), matrix(np.zeros((1, 1))))
    assert full_scales(matrices, Display()) == (0.5, 5.0, 0.0)
    assert full_scales(matrices, Display(scale="shared")) == (5.0, 5.0, 5.0)
    assert full_scales(matrices, Display(scale="fixed", limit=2.0)) == (2.0, 2.0, 2.0)
    hidden = replace(matrices[1], known=np.array([[False]]))
    assert full_scales((hidden,), Display()) == (0.0,)


@given(arrays(np.float64, (5, 7), elements=st.floats(-1, 1)), st.integers(1, 4), st.integers(1, 4))
def test_a_pooled_entry_is_the_largest_in_size_of_those_it_stands_for(
    values: Floats, down: int, across: int
) -> None:
    found = codes(matrix(values), 1.0)
    small = pooled(found, values, down, across)
    assert small.shape == (-(-5 // down), -(-7 // across))
    for row, column in np.ndindex(small.shape):
        tile = np.s_[row * down : (row + 1) * down, column * across : (column + 1) * across]
        assert small[row, column] == found[tile].flat[abs(values[tile]).argmax()]


def test_pooling_prefers_what_is_known() -> None:
    values = np.array([[9.0, 0.0]])
    made = matrix(values, known=np.array([[False, True]]))
    assert pooled(codes(made, 1.0), values, 1, 2)[0, 0] == 0
    nothing = matrix(values, known=np.zeros((1, 2), bool))
    assert pooled(codes(nothing, 1.0), values, 1, 2)[0, 0] == UNKNOWN


def test_extremes_are_of_known_and_finite_numbers() -> None:
    values = np.array([[np.nan, -5.0, 2.0], [1.0, 9.0, -1.0]])
    known = np.array([[True, True, True], [True, False, True]])
    assert extremes(matrix(values, known=known)) == ((0, 1), (0, 2))
    assert extremes(matrix(np.ones((2, 2)))) is None


def test_every_role_of_a_heat_map_has_a_style() -> None:
    every = range(-6, 10)
    for theme, depth in (*SCREENS, ("terminal", "standard"), ("plain", "none")):
        styles = palette(theme, depth)
        for code in every:
            styles.style(entry(code)[1])
            for other in every if styles.halves else ():
                styles.style(halves(code, other)[1])
                styles.style(halves(code + 64, other)[1])
                styles.style(halves(code, other + 128)[1])


# drawing


def test_a_heat_map_shows_sign_size_extremes_scale_and_the_row_of_now() -> None:
    view = PaneView("hidden", "h", (over_time(4, 6, 2),), display=HEAT, halves=False)
    assert drawn(view, 44, 8).splitlines() == [
        "╭─ hidden ───────────── − #=~- +*%@ + ─ h ─╮",
        "│ h•±1                                     │",
        "│     0 1 2 3 4 5                          │",
        "│  0  ' ' ' , , ,                          │",
        "│  1  % % + ~ = =                          │",
        "│ ▸2  ▲ % + ~ ▼ #                          │",
        "│  3  + + ' - - -                          │",
        "╰──────────────────────────────────────────╯",
    ]


def test_two_rows_share_a_line_where_that_shows_more() -> None:
    view = PaneView("hidden", "h", (over_time(8, 6, 3),), display=HEAT)
    lines = draw_pane(view, 44, 8).lines
    assert text_of(lines).count("▀" * 12) == 4
    row = next(line for line in lines if any("▸" in text for text, _ in line))
    spans = [role for text, role in row if "▀" in text]
    found = codes(over_time(8, 6, 3), 1.0)
    assert spans[0] == halves(int(found[2, 0]), int(found[3, 0]))[1]


def test_a_large_matrix_scrolls_with_the_cell_and_says_where_it_is() -> None:
    view = PaneView("weights", "w", (matrix(waves(40, 64)),), focused=True, display=HEAT, halves=False)
    first = drawn(replace(view, selection=Selection("W", 0, 0)), 50, 14)
    last = drawn(replace(view, selection=Selection("W", 39, 63)), 50, 14)
    assert "↓31 →21 more" in first
    assert "↑31 ←21 more" in last
    assert "W[39,63] = " in last
    assert "▲ 0.970 [33,58]" in first


def test_the_cell_is_shown_in_every_form() -> None:
    made = matrix(waves(12, 12))
    for halves_too in (False, True):
        for mode in MODES:
            view = PaneView(
                "weights", "w", (made,), Selection("W", 5, 7), True, display=Display(mode), halves=halves_too
            )
            for size in ((70, 16), (50, 16), (30, 10), (22, 8)):
                roles = [role for line in draw_pane(view, *size).lines for _, role in line]
                assert any("cursor" in role or "*" in role for role in roles), (mode, halves_too, size)


def test_what_is_set_by_hand_is_marked_in_every_form() -> None:
    edited = np.zeros((12, 12), bool)
    edited[5, 6:8] = True
    made = replace(matrix(waves(12, 12)), edited=edited)
    for two in (False, True):
        for mode in MODES:
            view = PaneView("weights", "w", (made,), display=Display(mode), halves=two)
            for size in ((110, 16), (50, 16), (24, 10)):
                lines = draw_pane(view, *size).lines
                shown = "✎" in text_of(lines) or any("!" in role for line in lines for _, role in line)
                assert shown or "more" in text_of(lines) or "↓" in text_of(lines), (mode, two, size)
    wide = draw_pane(PaneView("weights", "w", (made,), display=HEAT, halves=False), 50, 16).lines
    assert text_of(wide).count("✎") == 2


def test_the_plan_shows_where_a_part_lies() -> None:
    shape = measure(matrix(waves(40, 80)))

    def plan(rows: tuple[int, int], columns: tuple[int, int]) -> str:
        return minimap(shape, Part(rows, columns, True, True))

    assert plan((0, 10), (0, 20)) == "▕⠁   ▏".replace("⠁", "⠉")
    assert plan((30, 40), (60, 80)) == "▕   ⣀▏"
    assert plan((0, 39), (0, 79)) != plan((1, 40), (1, 80))
    assert all(len(plan((at, at + 1), (at, at + 1))) == MAP_WIDTH + 2 for at in range(40))


@given(st.integers(1, 40), st.integers(1, 90), st.integers(20, 90), st.integers(5, 30), st.booleans())
def test_every_line_of_a_heat_map_has_its_width(
    rows: int, columns: int, wide: int, high: int, two: bool
) -> None:
    for mode in (*MODES, *BARS):
        view = PaneView(
            "pane", "p", (over_time(rows, columns, 0), matrix(waves(rows, columns))), focused=True,
            display=Display(mode), halves=two, manner=Manner(norms=True),
        )  # fmt: skip
        lines = draw_pane(view, wide, high).lines
        assert len(lines) == high
        assert {width(line) for line in lines} == {wide}


def test_what_does_not_fit_is_always_said() -> None:
    """Either all entries of a matrix have a place, or a sign says what is out of view."""
    for wide, high in ((36, 7), (50, 14), (80, 20), (120, 30)):
        for mode in MODES:
            view = PaneView("weights", "w", (matrix(waves(32, 64)),), display=Display(mode))
            text = drawn(view, wide, high)
            shape = measure(view.matrices[0])
            block = layout((shape,), wide - 4, high - 2, 0, mode).blocks[0]
            shown = part(shape, block.form, block.width, block.height, 0, 0)
            whole = shown.rows == (0, 32) and shown.columns == (0, 64)
            assert whole or "↓" in text or "→" in text, (mode, wide, high)
            down, across = block.form.pool
            assert block.form.pool == (1, 1) or f" {down}×{across}" in text, (mode, wide, high)


def test_small_matrices_are_numbers_and_large_ones_heat_maps() -> None:
    small, large = matrix(waves(4, 4), "b"), matrix(waves(32, 64), "W")
    assert "0.0998" in drawn(PaneView("weights", "w", (small,)), 60, 14)
    assert "▀▀▀▀" in drawn(PaneView("weights", "w", (large,)), 60, 14)
    numbers = drawn(PaneView("weights", "w", (large,), display=Display("numbers")), 60, 14)
    assert "▀" not in numbers
    assert "0.100" in numbers
    tinted = draw_pane(PaneView("weights", "w", (small,), display=Display("both")), 60, 14).lines
    assert any(role.startswith("heat") and "0.0998" in text for line in tinted for text, role in line)


def test_an_update_of_a_whole_matrix_is_said_by_its_name_alone() -> None:
    made = replace(matrix(waves(3, 3)), written=np.ones((3, 3), bool))
    lines = draw_pane(PaneView("weights", "w", (made,)), 60, 9).lines
    assert "W•" in text_of(lines)
    assert not any("written" in role.split() for line in lines for _, role in line)


def test_the_same_view_is_known_to_be_the_same() -> None:
    one = PaneView("weights", "w", (matrix(waves(3, 3)),))
    assert same(one, replace(one, matrices=(matrix(waves(3, 3)),)))
    assert not same(one, replace(one, focused=True))
    assert not same(one, replace(one, matrices=(matrix(waves(3, 3) + 1e-12),)))
    assert not same(one, replace(one, matrices=(over_time(3, 3, 0),)))
    assert not same(one, replace(one, display=HEAT))


# norms


def test_the_norm_of_a_row_stands_beside_it() -> None:
    made = matrix(np.array([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]), "∂h", "over time")
    assert row_norms(made) == [5.0, 0.0, 10.0]
    assert shares(made) == [0.5, 0.0, 1.0]
    view = PaneView("gradients", "g", (made,), manner=Manner(norms=True))
    bars = [line[-8:].strip(" │") for line in drawn(view, 40, 8).splitlines()[2:5]]
    assert "‖∂h‖" in drawn(view, 40, 8)
    assert [line.count("█") for line in drawn(view, 40, 8).splitlines()[2:5]] == [2, 0, 4], bars


def test_norms_that_vanish_are_shown_by_powers_of_ten() -> None:
    made = matrix(np.array([[1e-8], [1e-6], [1e-4], [1e-2], [1.0]]), "∂h", "over time")
    steps = np.diff([share or 0.0 for share in shares(made)])
    assert steps == pytest.approx([steps[0]] * 4)


def test_a_window_of_time_steps_keeps_the_norms_of_all_in_view() -> None:
    made = replace(
        matrix(np.exp(-np.arange(40.0))[:, None] * np.ones((40, 6)), "∂h", "over time"), current=30
    )
    view = PaneView("gradients", "g", (made,), manner=Manner(norms=True), display=Display("numbers"))
    assert "‖∂h‖" in drawn(view, 60, 9)
    narrow = drawn(view, 39, 9)
    assert "‖∂h‖ " in narrow.splitlines()[-2] or "‖∂h‖" in narrow.splitlines()[1]


# the display's settings


def test_modes_and_scales_go_round_both_ways() -> None:
    display = Display()
    for mode in (*MODES[1:], *BARS, MODES[0]):
        display = display.turned(1, bars=True)
        assert display.mode == mode
    assert Display("both").turned(1, bars=False) == Display()
    assert Display().turned(-1, bars=True).mode == BARS[-1]
    for scale in (*SCALES[1:], SCALES[0]):
        display = display.scaled(1)
        assert display.scale == scale
    assert Display().scaled(1, 5) == Display(scale="fixed", limit=5.0)
    assert Display(scale="fixed", limit=5.0).scaled(-1) == Display(scale="shared")


def test_settings_are_plain_data() -> None:
    assert Display(**Display("heat", "fixed", 3.0)._asdict()) == Display("heat", "fixed", 3.0)
    assert all(Display(mode).said for mode in (*MODES, *BARS))
    assert all(Display(scale=scale).scale_said for scale in SCALES)


# bars


def test_bars_are_in_vocabulary_order_or_the_largest_first() -> None:
    values = np.array([[0.1, 0.6, 0.3]])
    made = Matrix("p", values, ("1",), ("a", "b", "c"), current=0, target=(2,), chosen=(1,), kind="over time")
    view = PaneView("output", "o", (made,), manner=Manner(shares=True))

    def order(mode: str) -> str:
        lines = drawn(replace(view, display=Display(mode)), 50, 12).splitlines()
        return "".join(line[2] for line in lines[1:4])

    assert order("bars") == "abc"
    assert order("sorted bars") == "bca"
    text = drawn(replace(view, display=Display("bars")), 50, 12)
    assert "◎" in text.splitlines()[3]
    assert "●" in text.splitlines()[2]


def many_shares() -> PaneView:
    """Sixty classes over two time steps; at the first one they get less likely, at the second one more."""
    rising = np.arange(1, 61) / np.arange(1, 61).sum()
    made = Matrix(
        "p", np.array([rising[::-1], rising]), ("1", "2"), tuple(f"t{k}" for k in range(60)), current=0,
        target=(50, 50), kind="over time",
    )  # fmt: skip
    return PaneView("output", "o", (made,), manner=Manner(shares=True), display=Display("bars"), focused=True)


def named(view: PaneView, wide: int, high: int) -> list[int]:
    """The classes that have a bar, in the order one reads them: down, then to the right."""
    rows = [re.findall(r"\bt(\d+) [━╸]", line) for line in drawn(view, wide, high).splitlines()]
    return [int(row[at]) for at in range(max(map(len, rows))) for row in rows if at < len(row)]


def test_bars_in_the_order_of_the_vocabulary_stay_so_where_not_all_fit() -> None:
    view = many_shares()
    assert named(view, 40, 12) == [*range(8), 50]
    assert "42 more; a full bar is 0.05; the 17 largest and the marked" in drawn(view, 70, 12)
    sorted_bars = replace(view, display=Display("sorted bars"))
    assert named(replace(sorted_bars, selection=Selection("p", 1, 3)), 40, 12)[:3] == [59, 58, 57]


def test_bars_stand_in_columns_where_there_is_room() -> None:
    assert named(many_shares(), 118, 24) == list(range(60))


def test_bars_are_of_the_time_step_that_is_looked_at_and_show_the_class() -> None:
    view = replace(many_shares(), selection=Selection("p", 1, 2))
    assert named(view, 40, 12) == [2, 50, *range(53, 60)]
    lines = draw_pane(view, 40, 12).lines
    assert "t=2" in text_of(lines)
    assert [text for line in lines for text, role in line if "cursor" in role] == ["t2"]


def test_bars_of_small_shares_say_what_a_full_one_is() -> None:
    values = np.full((1, 64), 1 / 64)
    made = Matrix(
        "p", values, ("1",), tuple(f"t{k}" for k in range(64)), current=0, target=(5,), kind="over time"
    )
    text = drawn(
        PaneView("output", "o", (made,), manner=Manner(shares=True), display=Display("bars")), 50, 12
    )
    assert "a full bar is 0.02" in text
    assert "t5" in text
    assert "55 more" in text


# the loss


def test_the_curve_has_axes_the_present_iteration_and_the_least_loss() -> None:
    losses = [5, 4, 3, 2.5, 2.2, 2.1, 2.0, 2.3]
    assert text_of([said_of(losses, 40)]) == "2.30000 at 8   least 2.00000 at 7"
    assert text_of(draw_curve(losses, 40, 7, 60)).splitlines() == [
        " 5.0000 ┤⠑⢄",
        "        │  ⠑⢄",
        "        │    ⠱⡀",
        "        │     ⠈⠒⢄⣀",
        " 2.0000 ┤         ⠉⠒⠢⠤⠤⠤⠤⠤⢄⣀⡠⠤⠒",
        "        └─────────────────────▴─────────",
        "         1                    8       10",
    ]


@given(
    st.lists(st.floats(allow_nan=True), max_size=60),
    st.integers(14, 80),
    st.integers(1, 12),
    st.integers(0, 90),
)
def test_the_curve_fits_whatever_the_losses(losses: list[float], wide: int, high: int, total: int) -> None:
    lines = draw_curve(losses, wide, high, total)
    assert len(lines) <= max(high, 1)
    assert {width(line) for line in lines} == {wide}


def test_the_curve_in_one_line_has_the_last_value_the_least_and_the_shape() -> None:
    losses = [5, 4, 3, 2.5, 2.2, 2.1, 2.0, 2.3]
    line = text_of([draw_curve_line(losses, 79, 10)])
    assert line.startswith(" loss 2.30000 at 8   least 2.00000 at 7  ⠉")
    assert "the least so far" in text_of([draw_curve_line(losses[:-1], 79, 10)])
    assert len(line) > 65
    assert width(draw_curve_line(losses, 60, 10)) == 60
    assert not text_of([draw_curve_line([], 60)]).strip()


def test_the_axis_goes_to_the_last_iteration_where_that_is_not_far() -> None:
    assert text_of(draw_curve([1.0] * 40, 60, 8, 60)).endswith(" 60")
    assert text_of(draw_curve([1.0] * 8, 60, 8, 60)).endswith(" 10")


def test_the_curve_stays_where_it_is_while_it_grows() -> None:
    """The axis ends at a round number, so a new loss adds to the right and moves nothing."""
    losses = [5.0, 4.0, 3.0, 2.0, 1.0, 1.5, 1.2]
    before, after = (text_of(draw_curve(losses[:count], 40, 8, 100)).splitlines() for count in (6, 7))
    for old, new in zip(before[1:6], after[1:6], strict=True):
        assert new[: len(old) - 1] == old[:-1]


# what colours mean


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_of_one_sign_and_much_alike_take_all_the_colours_of_their_sign(sign: int) -> None:
    gates = matrix(sign * (0.5 + 0.1 * waves(6, 20)), "i", "over time")
    lines = draw_pane(PaneView("hidden", "h", (gates,), display=HEAT), 60, 12).lines
    assert "i 0.4…0.6" in text_of(lines)
    levels = {
        int(level) for line in lines[3:-1] for _, role in line for level in re.findall(r"heat(-?\d)", role)
    }
    assert levels == {sign * size for size in (1, 2, 3, 4)}


@given(arrays(np.float64, (3, 4), elements=st.floats(-1, 1)))
def test_only_numbers_of_one_sign_have_colours_from_other_than_zero(values: Floats) -> None:
    found = between(matrix(values))
    if found is None:
        return
    low, high = found
    assert (values > 0).all() or (values < 0).all()
    assert 0 < low <= abs(values).min() * (1 + 1e-9)
    assert abs(values).max() <= high * (1 + 1e-9)
    order = codes(matrix(values), high, base=low).astype(int)
    assert (abs(order) <= LEVELS).all()
    assert (np.sign(order) == np.sign(values)).all()


@pytest.mark.parametrize("size", [(80, 24), (80, 60), (120, 40), (200, 60), (300, 80)])
@pytest.mark.parametrize("name", ["hello", "hi-there-class-bptt", "large"])
def test_where_colours_carry_size_the_pane_says_which(name: str, size: tuple[int, int]) -> None:
    session = large() if name == "large" else lesson(name)
    at = session.schedule.span("1:update").start
    shown = observe(session, Timeline(session.run), at)
    for cls in PANE_TYPES:
        view = PaneView(cls.NAME, cls.LETTER, shown.panes[cls.NAME], boxed=boxed(*size), manner=cls.MANNER)
        made = draw_pane(view, *arrange(*size)[cls.NAME][2:])
        text = text_of(made.lines)
        top = text.splitlines()[0]
        maps = [block for block in made.layout.blocks if block.form.heat]
        assert not maps or ("−" in top and "+" in top), text
        for block in maps:
            key = view.matrices[block.index].key
            beside = re.search(rf"{re.escape(key)}[ •](±|all 0)", text)
            assert beside or "±" in top or made.layout.blocks[0].width > 24 > size[1] - 1, (key, text)


def test_small_matrices_are_numbers_and_maps_have_labels_where_there_is_room() -> None:
    small, long = matrix(waves(2, 2), "W_hh"), matrix(waves(40, 20), "W_xh")
    names = tuple(f"token{k}" for k in range(20))
    text = drawn(PaneView("weights", "w", (replace(long, columns=names), small)), 63, 25)
    assert re.search(r"0 +0\.(10|100|0998)\D", text)
    assert "token0" in text
    session = large()
    weights = observe(session, Timeline(session.run), 0).panes["weights"]
    blocks = draw_pane(PaneView("weights", "w", weights), 143, 26).layout.blocks
    assert len(blocks) == len(weights)
    assert all(block.form.labels for block in blocks)


ENDS = (5e-324, 1e-308, 1e308, 1.7976931348623157e308)
"""The smallest and the largest numbers there are, and what is near them."""


@pytest.mark.parametrize("size", ENDS)
@pytest.mark.parametrize("display", [Display(mode, scale) for mode in (*MODES, *BARS) for scale in SCALES])
def test_numbers_at_the_ends_of_what_floats_can_say_are_drawn(size: float, display: Display) -> None:
    values = np.array([[size, -size, 0.5], [-0.25, 0.0, size / 3]])
    whole, one = (
        Matrix("W", values, tuple("ab"), tuple("xyz")),
        Matrix("p", values[:, :1], tuple("ab"), ("x",)),
    )
    for box in ((78, 10), (57, 19), (20, 6)):
        assert draw_pane(PaneView("weights", "w", (whole, one), display=display), *box).lines
    assert number.bar(size, number.scale(size)) == "▇"
