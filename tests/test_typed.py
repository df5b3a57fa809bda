"""Keys that come before what they are meant for, and keys for panes that cannot be seen."""

from __future__ import annotations

from textual.events import Key

from tests.test_edits_screen import BPTT
from tests.test_screen_app import keys, screen_text, settled, until
from tests.test_screen_app import session as screen_of
from tests.test_views import opened


async def test_what_is_typed_before_a_list_is_there_picks_from_it() -> None:
    async with opened(BPTT, "3:forward:2:h") as pilot:
        screen = screen_of(pilot)
        marks = [address for address, _, _ in screen.controller.marks()]
        assert len(marks) > 2
        for key in ("m", "n", "enter", "enter", "apostrophe", "home", "down", "enter"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else "'" if key == "apostrophe" else None))
        await until(pilot, lambda: screen.snapshot.address == marks[1])
        await settled(pilot)


async def test_a_covered_pane_is_not_shown_otherwise_behind_the_panel() -> None:
    async with opened(BPTT, "1:backward:2:h") as pilot:
        await keys(pilot, "t")
        screen = screen_of(pilot)
        screen.give_focus(screen.covered_panes[0])
        shown = screen.pane.shown_as
        await keys(pilot, "d")
        assert screen.pane.shown_as == shown
        assert f"{screen.pane.NAME} is covered by the panel" in screen_text(pilot)
