"""What is found by typing: places by their names, addresses as they are typed, lessons, commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import OptionList

from rnn_tui.app import RnnTuiApp
from rnn_tui.controller import Controller
from rnn_tui.lessons import directory, lessons
from rnn_tui.places import Found
from rnn_tui.ranking import EXACT, fit
from rnn_tui.screens.dialogs import SureScreen
from rnn_tui.screens.palette import EverythingProvider
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from tests.fake_controller import FakeController
from tests.test_screen_app import Play, keys, playing, screen_text, session, settled, until


def open_lesson(name: str) -> Controller:
    return Controller.open(str(directory() / f"{name}.json"))


NAMES = [lesson.name for lesson in lessons()]


@pytest.mark.parametrize("name", NAMES)
def test_every_place_that_is_offered_can_be_gone_to(name: str) -> None:
    controller = open_lesson(name)
    for start in (0, controller.schedule.total // 2, controller.schedule.total - 1):
        controller.go_to(f"#{start}")
        found = controller.places()
        for each in found:
            assert controller.go_to(each.target) == "", each
            controller.go_to(f"#{start}")
        names = {each.name for each in found}
        program = controller.session.program
        assert set(program.equations) <= names
        if controller.schedule.update is not None:
            assert set(controller.schedule.update.parameters) <= names
        if controller.schedule.backward:
            assert "∂loss" in names


def test_the_next_stop_of_a_name_is_the_next_from_here() -> None:
    controller = open_lesson("hi-there-class-bptt")
    controller.go_to("2:forward:3:h")
    target = {each.name: each.target for each in controller.places()}
    assert target["h"] == "2:forward:4:h"
    assert target["a"] == "2:forward:4:a"
    assert target["∂h"] == "2:backward:4:h"
    assert target["W_hh"] == "2:update:W_hh:w"
    controller.go_to("2:backward:2:h")
    target = {each.name: each.target for each in controller.places()}
    assert target["∂h"] == "2:backward:1:h"
    assert target["h"] == "3:forward:1:h"
    controller.go_to("end")
    assert {each.name: each.target for each in controller.places()}["h"] == "1:forward:1:h"


def test_the_gradient_of_a_parameter_is_found_where_it_is_added_to() -> None:
    controller = open_lesson("hi-there-class-bptt")
    controller.go_to("1:backward:2:loss")
    target = {each.name: each.target for each in controller.places()}
    assert target["∂W_hh"] == target["∂W_xh"] == "1:backward:2:a"
    assert target["∂W_hy"] == "1:backward:2:z"


async def test_a_gradient_is_found_as_a_keyboard_spells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Found("z", "1:forward:2:z", "dh or not"), Found("∂h", "1:backward:2:h", "a gradient"))
    monkeypatch.setattr(FakeController, "places", lambda self: found)
    async with playing(FakeController()) as pilot:
        await keys(pilot, "slash", "d", "h")
        options = pilot.app.screen.query_one(OptionList)
        await until(
            pilot, lambda: options.option_count == 2 and "∂h" in str(options.get_option_at_index(0).prompt)
        )


def test_tokens_are_found_at_their_time_steps() -> None:
    found = {each.name: each for each in open_lesson("hi-there-class-bptt").places()}
    assert found["class  t = 3"] == Found("class  t = 3", "3", "the input at time step 3, the target !")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("2", ["2", "20"]),
        ("2:", ["2:forward", "2:backward", "2:update"]),
        ("2:b", ["2:backward"]),
        ("2:backward:", ["2:backward:1", "2:backward:2", "2:backward:3", "2:backward:4"]),
        ("2:backward:3:", ["2:backward:3:a", "2:backward:3:h", "2:backward:3:z", "2:backward:3:loss"]),
        ("2:update:W_h", ["2:update:W_hh", "2:update:W_hy"]),
        ("2:update:W_hh:", ["2:update:W_hh:w"]),
        ("21", []), ("0:", []), ("x", []), ("2:nophase:", []), ("2:backward:9:", []), ("2:backward:3:h:", []),
        ("2:update:x:", []), ("", []), (":", []), ("²:", []),
    ],
)  # fmt: skip
def test_an_address_is_continued_a_part_at_a_time(typed: str, offered: list[str]) -> None:
    found = open_lesson("hi-there-class-bptt").continued(typed)
    assert sorted(each.target for each in found) == sorted(offered)


def test_what_is_offered_is_bounded() -> None:
    assert len(open_lesson("alternating-bits").continued("1")) <= 50


# by keys


def first_offered(pilot: Play) -> str:
    options = pilot.app.screen.query_one(OptionList)
    return str(options.get_option_at_index(0).prompt).splitlines()[0] if options.option_count else ""


def offered(pilot: Play) -> str:
    options = pilot.app.screen.query_one(OptionList)
    return "\n".join(str(options.get_option_at_index(at).prompt) for at in range(options.option_count))


async def found_by(
    opened: str, typed: str, done: Callable[[SessionScreen], bool], controller: Controller
) -> None:
    async with playing(controller, (120, 40)) as pilot:  # type: ignore[arg-type]
        await keys(pilot, opened)
        await pilot.press(*(("colon" if c == ":" else "underscore" if c == "_" else c) for c in typed))
        await until(pilot, lambda: first_offered(pilot).split("  ")[0].endswith(typed))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionScreen) and done(session(pilot)))


@pytest.mark.parametrize("opened", ["slash", "colon"])
@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("W_hh", "1:update:W_hh:w"), ("h", "1:forward:1:h"), ("3:backward:2:h", "3:backward:2:h"),
        ("two paths meet", "1:backward:3:h"), ("class", "1:forward:3:a"),
    ],
)  # fmt: skip
async def test_a_place_is_found_by_its_name(opened: str, typed: str, address: str) -> None:
    controller = open_lesson("hi-there-class-bptt")
    await found_by(opened, typed, lambda _: controller.snapshot.address == address, controller)


async def test_opening_another_session_asks_where_something_would_be_lost() -> None:
    controller = FakeController()
    controller.unsaved = True
    async with playing(controller, (120, 40)) as pilot:
        await keys(pilot, "colon")
        await pilot.press(*"backpropagation")
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SureScreen))
        await pilot.press("n")
        await settled(pilot)
        assert session(pilot).controller is controller


async def test_a_lesson_is_found_from_within_another() -> None:
    async with playing(FakeController(), (120, 40)) as pilot:
        await keys(pilot, "colon")
        await pilot.press(*"backpropagation")
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("enter")
        await until(pilot, lambda: "opened" in screen_text(pilot))


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("gradient", "flow  t"), ("by hand", "set  e"), ("edit", "set  e"), ("undo", "undo  u"), ("zo", "zoom  z"),
        ("hello", "hello: learn to spell a word"), ("same-step", "The same step"), ("vanish", "Vanishing"),
        ("W_hh", "W_hh"), ("dW_hh", "∂W_hh"),
    ],
)  # fmt: skip
async def test_what_is_found_first(typed: str, first: str) -> None:
    controller = open_lesson("hi-there-class-bptt")
    app = RnnTuiApp(controller, lessons(), open_session=Controller.open, terminal=TerminalSettings())
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        entries = EverythingProvider(session(pilot))
        hits = [hit async for hit in entries.search(typed)]
        best = max(hits, key=lambda hit: hit.score)
        assert str(best.text).startswith(first), [hit.text for hit in hits]


@pytest.mark.parametrize("typed", ["theme", "xyzzy", "qqq"])
async def test_scattered_letters_of_sentences_are_not_found(typed: str) -> None:
    controller = open_lesson("hi-there-class-bptt")
    app = RnnTuiApp(controller, lessons(), open_session=Controller.open, terminal=TerminalSettings())
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert [hit.text async for hit in EverythingProvider(session(pilot)).search(typed)] == []


def test_of_two_that_are_called_alike_the_phase_decides() -> None:
    controller = open_lesson("hi-there-class-bptt")
    for at, order in (("1:forward:1:h", ["W_hh", "∂W_hh"]), ("1:backward:2:h", ["∂W_hh", "W_hh"])):
        controller.go_to(at)
        found = [each.name for each in controller.places() if each.name in order]
        assert list(dict.fromkeys(found)) == order
    assert fit("W_hh", "∂W_hh") == fit("W_hh", "W_hh") == fit("dW_hh", "∂W_hh") == EXACT
    assert fit("dW_hh", "W_hh") == 0


@pytest.mark.parametrize(
    ("text", "address"),
    [("dW_hh", "1:backward:4:a"), ("∂W_hh", "1:backward:4:a"), ("W_hh", "1:update:W_hh:w")],
)
def test_a_name_without_an_index_is_a_place(text: str, address: str) -> None:
    controller = open_lesson("hello")
    assert controller.go_to(text) == ""
    assert controller.snapshot.address == address
    assert "is no place" in controller.go_to("dnothing")


async def test_names_from_files_are_text_in_the_search() -> None:
    controller = FakeController()
    controller.marked[3] = ("[bold]x[/bold]", "[@click=app.exit]note[/]")
    async with playing(controller, (120, 40)) as pilot:
        await keys(pilot, "slash")
        await pilot.press(*"bold")
        await until(pilot, lambda: "[bold]x[/bold]" in offered(pilot))
        assert "[@click=app.exit]note[/]" in offered(pilot)
