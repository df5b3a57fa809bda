"""A click: on a cell of a pane, in every display and size, and what it does on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tui.render.cells import Cell, selection_at
from rnn_tui.render.display import Display
from rnn_tui.render.pane import PaneView, cell_at, draw_pane
from rnn_tui.render.timeline import step_at
from rnn_tui.screens.stage import PANE_TYPES
from rnn_tui.text import cells
from tests.fake_controller import FakeController
from tests.test_places import open_lesson
from tests.test_screen_app import keys, playing, screen_text, session

LESSONS = ("hi-there-class-bptt", "lstm-remembers", "alternating-bits", "same-step-four-cells")


def spots_of_the_cursor(view: PaneView, wide: int, high: int) -> list[tuple[int, int]]:
    """Where a drawing has the role of the selected cell."""
    spots = []
    for y, line in enumerate(draw_pane(view, wide, high).lines):
        x = 0
        for text, role in line:
            if "cursor" in role.split() and text.strip():
                spots.append((x + cells(text) - 1, y))
            x += cells(text)
    return spots


@given(
    st.sampled_from(LESSONS),
    st.sampled_from(PANE_TYPES),
    st.sampled_from(["auto", "numbers", "heat", "both"]),
    st.tuples(st.integers(26, 90), st.integers(6, 30)),
    st.booleans(),
    st.data(),
)
def test_a_click_on_the_selected_cell_means_that_cell(
    lesson: str, pane: type, mode: str, size: tuple[int, int], boxed: bool, data: st.DataObject
) -> None:
    controller = open_lesson(lesson)
    controller.go_to(f"#{data.draw(st.integers(0, 60))}")
    matrices = controller.snapshot.panes[pane.NAME]  # type: ignore[attr-defined]
    index = data.draw(st.integers(0, len(matrices) - 1))
    row, column = (data.draw(st.integers(0, n - 1)) for n in matrices[index].values.shape)
    cell = Cell(index, row, column)
    view = PaneView(
        "pane", "p", matrices, selection=selection_at(cell, matrices), focused=True, boxed=boxed,
        manner=pane.MANNER, display=Display(mode=mode),  # type: ignore[attr-defined]
    )  # fmt: skip
    drawn = draw_pane(view, *size)
    for x, y in spots_of_the_cursor(view, *size):
        found = cell_at(view, drawn, *size, x, y)
        assert found == cell or "▀" in "".join(t for t, _ in drawn.lines[y]) or (
            # Where one entry of a heat map stands for several, it is the first of them.
            found is not None and found.index == index and any(each.block.form.pool != (1, 1) for each in drawn.parts)
        )  # fmt: skip


@given(st.sampled_from(PANE_TYPES), st.integers(-2, 90), st.integers(-2, 30))
def test_a_click_anywhere_means_a_cell_that_exists_or_none(pane: type, x: int, y: int) -> None:
    matrices = FakeController().snapshot.panes[pane.NAME]  # type: ignore[attr-defined]
    view = PaneView("pane", "p", matrices, manner=pane.MANNER)  # type: ignore[attr-defined]
    found = cell_at(view, draw_pane(view, 60, 14), 60, 14, x, y)
    if found is not None:
        rows, columns = matrices[found.index].values.shape
        assert 0 <= found.row < rows
        assert 0 <= found.column < columns


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_clicking_a_number_chooses_it_and_twice_asks_why(size: tuple[int, int]) -> None:
    async with playing(open_lesson("hi-there-class-bptt"), size) as pilot:  # type: ignore[arg-type]
        screen = session(pilot)
        lines = screen_text(pilot).splitlines()
        y = next(at for at, line in enumerate(lines) if " 0.80" in line)
        x = lines[y].index(" 0.80") + 3
        await pilot.click(offset=(x, y))
        await keys(pilot)
        assert screen.pane.NAME == "weights"
        assert "W_xh[0,class] = 0.8" in screen_text(pilot).splitlines()[0]
        await pilot.click(offset=(x, y), times=2)
        await keys(pilot)
        assert screen.explorer.name == "why"
        assert "= 0.8" in screen_text(pilot).splitlines()[0]


async def test_clicking_beside_the_numbers_changes_nothing() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        screen = session(pilot)
        before = screen.chosen_cells()
        region = screen.panes["weights"].region
        await pilot.click(offset=(region.x + 4, region.y))
        await keys(pilot)
        assert screen.chosen_cells() == before


async def test_a_key_of_the_footer_can_be_clicked() -> None:
    controller = FakeController()
    async with playing(controller, (120, 40)) as pilot:
        line = screen_text(pilot).splitlines()[-1]
        await pilot.click(offset=(line.index("phase") + 2, 39))
        await keys(pilot)
        assert controller.snapshot.timeline.phase == "backward"
        await pilot.click(offset=(119, 39))
        await keys(pilot)
        assert controller.snapshot.timeline.phase == "backward"


@pytest.mark.parametrize("high", [1, 3])
def test_what_lies_outside_of_the_timeline_is_no_step_of_it(high: int) -> None:
    """While the mouse is captured it gets clicks that were meant for what is above it."""
    timeline = FakeController().snapshot.timeline
    found = {y for y in range(-30, 6) for x in range(100) if step_at(timeline, 100, high, x, y) is not None}
    assert found == set(range(high))
