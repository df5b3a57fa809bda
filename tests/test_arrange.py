"""Where things are: at any size, with panes hidden and edges moved, and what of that is remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.panes import PANES
from rnn_engine.snapshot import TimelineView
from rnn_tui.memory import Keeper, Memory, read, write
from rnn_tui.render.arrange import (
    COLUMNS,
    FLATTEST,
    KINDS,
    SLIMMEST,
    Arrangement,
    Kind,
    Scene,
    arrange,
    boxed,
    edge_at,
    kind,
    taller,
    wider,
)
from rnn_tui.render.display import Display
from rnn_tui.render.spans import text_of
from rnn_tui.render.timeline import draw_timeline, step_at
from tests.fake_controller import FakeController
from tests.test_screen_app import Play, keys, playing, screen_text, session

SIZES = st.tuples(st.integers(60, 240), st.integers(20, 80))
ARRANGEMENTS = st.builds(
    Arrangement,
    left=st.integers(-300, 300),
    edges=st.dictionaries(st.sampled_from(PANES), st.integers(-100, 100)),
    hidden=st.frozensets(st.sampled_from(PANES), max_size=len(PANES) - 1),
)


def of_size(size: tuple[int, int], changed: Arrangement, most: Kind = "wide") -> Scene:
    return Scene(arrangements={kind(*size, most): changed}, most=most)


def covered(size: tuple[int, int], boxes: Mapping[str, tuple[int, int, int, int]]) -> np.ndarray:
    taken = np.zeros((size[1], size[0]), int)
    for x, y, w, h in boxes.values():
        assert w > 0
        assert h > 0
        assert x >= 0
        taken[y : y + h, x : x + w] += 1
    return taken


@given(SIZES, ARRANGEMENTS, st.sampled_from(KINDS), st.sampled_from(["", "weights"]))
def test_every_arrangement_fills_the_screen_without_overlap(
    size: tuple[int, int], changed: Arrangement, most: Kind, zoom: str
) -> None:
    scene = Scene(zoom, (), {kind(*size, most): changed}, most)
    boxes = arrange(*size, scene)
    taken = covered(size, boxes)
    assert taken.max() == 1
    # Without frames one column between left and right stays free.
    one_side = zoom or any(set(column) <= changed.hidden for column in COLUMNS)
    assert (taken == 0).sum() <= (0 if boxed(*size, most) or one_side else size[1])
    shown = {zoom} if zoom else set(PANES) - changed.hidden
    assert shown == set(boxes) & set(PANES)
    for name in shown:
        assert boxes[name][2] >= SLIMMEST - 1
        assert boxes[name][3] >= FLATTEST


@given(
    SIZES, ARRANGEMENTS, st.sampled_from([PANES, ("weights", "gradients"), ("inputs", "hidden", "output")])
)
def test_a_panel_always_has_a_place(
    size: tuple[int, int], changed: Arrangement, panel: tuple[str, ...]
) -> None:
    scene = Scene("", panel, {kind(*size): changed})
    boxes = arrange(*size, scene)
    assert covered(size, boxes).max() == 1
    assert "panel" in boxes
    assert not set(panel) & set(boxes)


def test_below_the_least_size_there_is_one_polite_line() -> None:
    assert set(arrange(59, 24)) == set(arrange(80, 19)) == {"small"}


def test_the_kind_of_layout_follows_the_size_up_to_what_is_wanted() -> None:
    assert [kind(80, 24), kind(120, 40), kind(200, 60)] == ["narrow", "normal", "wide"]
    assert kind(200, 60, "normal") == "normal"
    assert kind(80, 24, "wide") == "narrow"
    assert "curve" in arrange(200, 60)
    assert arrange(200, 60, Scene(most="normal"))["curve"][3] == 1
    assert "curve" not in arrange(80, 24)
    assert arrange(80, 24, Scene(zoom="output"))["curve"] == (0, 22, 80, 1)


@given(SIZES, ARRANGEMENTS, st.sampled_from(PANES), st.integers(1, 9))
def test_an_edge_moved_there_and_back_is_where_it_was(
    size: tuple[int, int], changed: Arrangement, pane: str, by: int
) -> None:
    before = arrange(*size, of_size(size, changed))
    if pane in changed.hidden:
        return
    there = wider(changed, pane, by, size[0])
    after = arrange(*size, of_size(size, there))
    assert after[pane][2] >= before[pane][2]
    there = taller(changed, pane, by, *size, "wide")
    after = arrange(*size, of_size(size, there))
    grown = after[pane][3] - before[pane][3]
    assert 0 <= grown <= by
    again = arrange(*size, of_size(size, taller(there, pane, -grown, *size, "wide")))
    assert again[pane] == before[pane]


def test_the_pane_that_has_the_focus_gets_taller_the_last_of_a_side_too() -> None:
    size = (120, 40)
    before = arrange(*size)
    for pane in PANES:
        after = arrange(*size, of_size(size, taller(Arrangement(), pane, 2, *size, "wide")))
        assert after[pane][3] == before[pane][3] + 2
        side = next(column for column in COLUMNS if pane in column)
        assert sum(after[name][3] for name in side) == sum(before[name][3] for name in side)


def test_the_side_of_the_focused_pane_gets_wider() -> None:
    size = (120, 40)
    before = arrange(*size)
    for pane in PANES:
        after = arrange(*size, of_size(size, wider(Arrangement(), pane, 3, size[0])))
        assert after[pane][2] == before[pane][2] + 3


def test_the_last_pane_stays() -> None:
    alone = Arrangement(hidden=frozenset(PANES) - {"hidden"})
    assert alone.hide("hidden") == alone


# remembered


def test_what_is_remembered_is_what_was_arranged(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "state.json"
    changed = Arrangement(-3, {"inputs": 2}, frozenset({"output"}))
    keeper = Keeper(file)
    assert keeper.remember(arrangements={"normal": changed}) == ""
    assert Keeper(file).memory == Memory({"normal": changed})
    assert [path.name for path in file.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"format": "other"}', "[" * 100_000, '{"format": "rnn-tui-state", "layouts": 3}',
        '{"format": "rnn-tui-state", "layouts": {"normal": {"left": "x", "edges": [], "hidden": 4}}}',
    ],
)  # fmt: skip
def test_a_memory_that_makes_no_sense_counts_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    found = read(file)
    assert all(each == Arrangement() for each in found.arrangements.values())
    assert not found.toured


def test_impossible_arrangements_are_made_possible(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    layout = {"left": 10**30, "edges": {"inputs": True, "x": 3}, "hidden": [*PANES, 7]}
    file.write_text(json.dumps({"format": "rnn-tui-state", "layouts": {"narrow": layout}}))
    found = read(file).arrangements["narrow"]
    assert found.hidden == frozenset()
    assert dict(found.edges) == {"inputs": 0}
    assert covered((80, 24), arrange(80, 24, of_size((80, 24), found))).max() == 1


def test_displays_are_remembered_and_impossible_ones_are_made_possible(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    wanted = {"gradients": Display("heat", "fixed", 2.5), "output": Display("sorted bars", "shared")}
    write(file, Memory(displays=wanted))
    assert read(file).displays == wanted
    wrong = {
        "weights": {"mode": [], "scale": "none", "limit": -1},
        "hidden": {"limit": True},
        "x": {},
        "inputs": 3,
    }
    file.write_text(json.dumps({"format": "rnn-tui-state", "displays": wrong}))
    assert read(file).displays == dict.fromkeys(("inputs", "weights", "hidden"), Display())


def test_a_memory_that_cannot_be_written_lasts_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    keeper = Keeper(tmp_path / "taken" / "state.json")
    said = keeper.remember(toured=True)
    assert said.startswith("kept until you quit: ")
    assert keeper.memory.toured


def test_writing_leaves_the_old_file_where_it_fails(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.mkdir()
    with pytest.raises(OSError, match="directory"):
        write(file, Memory())
    assert list(tmp_path.iterdir()) == [file]


# by keys


def shown(pilot: Play, pane: str) -> bool:
    return session(pilot).panes[pane].is_on_screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_arranging_by_keys(size: tuple[int, int]) -> None:
    async with playing(FakeController(), size) as pilot:
        screen = session(pilot)
        before = screen.panes["hidden"].region
        await keys(pilot, "equals_sign", "right", "right", "down")
        assert "keep" in screen_text(pilot).splitlines()[-1]
        after = screen.panes["hidden"].region
        assert (after.width, after.height) == (before.width + 2, before.height + 1)
        await keys(pilot, "escape")
        assert screen.panes["hidden"].region == before
        await keys(pilot, "equals_sign", "3", "l", "x")
        assert "hidden" in screen.arrangement.hidden
        assert screen.pane.NAME == "output"
        await keys(pilot, "enter")
        assert pilot.app._keeper.memory.arrangements[kind(*size)].left == 3  # type: ignore[attr-defined]
        assert not shown(pilot, "hidden")
        assert "+1 hidden" in screen_text(pilot).splitlines()[0]
        for _ in range(8):  # Tab goes round without it
            await keys(pilot, "tab")
            assert screen.pane.NAME != "hidden"
        await keys(pilot, "v", "h")  # asked for by its letter it comes back
        assert screen.pane.NAME == "hidden"
        assert shown(pilot, "hidden")


async def test_hiding_all_but_one_and_showing_all() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        screen = session(pilot)
        await keys(pilot, "equals_sign", *"xxxxx")
        assert len(screen.arrangement.hidden) == 4
        assert screen.pane.region.width == 120
        await keys(pilot, "a")
        assert not screen.arrangement.hidden
        await keys(pilot, "l", "r")
        assert screen.arrangement == Arrangement()


async def test_each_kind_of_layout_has_its_own_arrangement() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        await keys(pilot, "equals_sign", "x", "enter")
        assert not shown(pilot, "hidden")
        await pilot.resize_terminal(80, 24)
        await keys(pilot)
        assert shown(pilot, "hidden")
        await pilot.resize_terminal(120, 40)
        await keys(pilot)
        assert not shown(pilot, "hidden")


async def test_a_walk_to_a_hidden_pane_shows_it() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        screen = session(pilot)
        await keys(pilot, "v", "w", "equals_sign", "x", "enter")
        matrix = screen.snapshot.panes["weights"][0]
        screen.select(("weights", matrix.key, 0, 0))
        await keys(pilot)
        assert shown(pilot, "weights")


# with the mouse


@given(SIZES, ARRANGEMENTS, st.integers(0, 239), st.integers(0, 79))
def test_only_edges_between_two_panes_can_be_taken(
    size: tuple[int, int], changed: Arrangement, x: int, y: int
) -> None:
    boxes = arrange(*size, of_size(size, changed))
    edge = edge_at(boxes, x, y)
    if edge == "left":
        assert all(any(name in boxes for name in column) for column in COLUMNS)
    elif edge:
        side = [name for name in next(c for c in COLUMNS if edge in c) if name in boxes]
        assert edge != side[-1]
        left, top, wide, high = boxes[edge]
        assert left <= x <= left + wide
        assert y in (top + high - 1, top + high)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_dragging_edges(size: tuple[int, int]) -> None:
    async with playing(FakeController(), size) as pilot:
        screen = session(pilot)
        inputs = screen.panes["inputs"].region
        at = (inputs.right - 1, inputs.y + 1)
        await pilot.mouse_down(offset=at)
        await pilot.hover(offset=(at[0] + 4, at[1] + 1))
        await pilot.mouse_up(offset=(at[0] + 4, at[1] + 1))
        await keys(pilot)
        assert screen.panes["inputs"].region.width == inputs.width + 4
        at = (3, inputs.bottom)  # the upper edge of the pane below
        await pilot.mouse_down(offset=at)
        await pilot.hover(offset=(3, at[1] + 2))
        await pilot.mouse_up(offset=(3, at[1] + 2))
        await pilot.hover(offset=(3, at[1] + 5))  # let go: it stays
        await keys(pilot)
        assert screen.panes["inputs"].region.height == inputs.height + 2
        kept = pilot.app._keeper.memory.arrangements[kind(*size)]  # type: ignore[attr-defined]
        assert kept == screen.arrangement


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_scrubbing_the_timeline(size: tuple[int, int]) -> None:
    controller = FakeController()
    async with playing(controller, size) as pilot:
        region = session(pilot).query_one("#timeline").region
        row = region.y if region.height < 3 else region.y + 1
        await pilot.mouse_down(offset=(region.x + region.width // 2, row))
        await pilot.mouse_up(offset=(region.x + region.width // 2, row))
        await keys(pilot)
        there = controller.index
        assert there > 0
        await pilot.mouse_down(offset=(region.x + region.width // 2, row))
        await pilot.hover(offset=(region.x + 24, row - 3))
        await pilot.mouse_up(offset=(region.x + 24, row - 3))
        await keys(pilot)
        assert controller.index < there


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=4),
    st.integers(60, 240),
    st.integers(1, 4),
    st.data(),
)
def test_the_step_under_the_mouse_is_the_one_drawn_there(
    counts: list[int], wide: int, high: int, data: st.DataObject
) -> None:
    names = ("forward", "backward", "update", "evaluate")
    first = [sum(counts[:at]) for at in range(len(counts))]
    view = TimelineView(
        index=0, total=sum(counts), phase="forward", iteration=1, iterations=1, epoch=1, epochs=1, t=1, T=4,
        window=(1, 4), phases=tuple(zip(names, first, counts, strict=False)), marks=(),
    )  # fmt: skip
    x, y = data.draw(st.integers(0, wide - 1)), data.draw(st.integers(0, high - 1))
    step = step_at(view, wide, high, x, y)
    lines = [text_of([line]) for line in draw_timeline(view, wide, high)]
    if high >= 3 and y == 0:  # the names of the phases stand above their segments, and count as these
        assert step == step_at(view, wide, high, x, 1)
        return
    drawn = lines[y][x] if y < len(lines) and x < len(lines[y]) else " "
    assert (step is not None) == (drawn in "●━─┼┿")
    if step is not None:
        lane = draw_timeline(replace(view, index=step), wide, high)[y]
        dot = text_of([lane]).index("●")
        assert dot <= x
        if step + 1 < view.total:
            after = text_of([draw_timeline(replace(view, index=step + 1), wide, high)[y]])
            assert after.find("●") > x or after.find("●") == dot or "●" not in after[: x + 1]
