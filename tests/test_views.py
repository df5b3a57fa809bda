"""The explanations by their keys, over real sessions: why, gradient flow, in full, predict mode, and the way back."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rnn_engine.panes import PANES
from rnn_engine.quantity import Cell
from rnn_engine.replay import loads
from rnn_engine.session import Session
from rnn_tui.app import RnnTuiApp
from rnn_tui.commands import COMMANDS, Command, shown_keys
from rnn_tui.controller import Controller
from rnn_tui.screens.dialogs import AskScreen, SureScreen
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.why import WhyPanel
from rnn_tui.terminal import TerminalSettings
from tests.build import document, lesson
from tests.fake_controller import FakeController
from tests.test_screen_app import Play, keys, make, screen_text, session, until

BPTT = "hi-there-class-bptt"


@asynccontextmanager
async def opened(
    source: str | Session,
    address: str = "",
    size: tuple[int, int] = (120, 40),
    terminal: TerminalSettings | None = None,
    commands: tuple[Command, ...] = COMMANDS,
) -> AsyncIterator[Play]:
    controller = Controller(lesson(source) if isinstance(source, str) else source, keys=shown_keys(commands))
    if address:
        assert controller.go_to(address) == ""
    app = RnnTuiApp(
        controller,
        (),
        open_session=Controller.open,
        terminal=terminal or TerminalSettings(),
        commands=commands,
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


def address(pilot: Play) -> str:
    return session(pilot).snapshot.address


def footer(pilot: Play) -> str:
    return screen_text(pilot).splitlines()[-1]


def explained(pilot: Play) -> str:
    view = session(pilot).explorer.view
    assert isinstance(view, WhyPanel)
    assert not isinstance(view.state.answer, str)
    return view.state.answer.label


# why


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize(
    ("start", "opening"),
    [
        ("1:backward:2:h", ("v", "g")), ("1:forward:3:p", ("v", "o")), ("3:update:W_hh:w", ("v", "w", "j")),
        ("2:forward:1:h", ()),
    ],
)  # fmt: skip
async def test_to_the_root_and_back_every_screen_is_as_it_was(
    start: str, opening: tuple[str, ...], size: tuple[int, int]
) -> None:
    async with opened(BPTT, start, size) as pilot:
        await keys(pilot, *opening)
        seen = [screen_text(pilot)]
        await keys(pilot, "enter")
        assert "why " in screen_text(pilot)
        while len(seen) < 40:
            seen.append(screen_text(pilot))
            await keys(pilot, "enter")
            if "nothing stands behind it" in screen_text(pilot) and "is given" in screen_text(pilot):
                break
            if "this term is a constant" in screen_text(pilot):
                break
        else:
            raise AssertionError("no root")
        assert len(seen) > 2
        await keys(pilot, "v", session(pilot).pane.LETTER)  # ends the message, moves nothing
        for text in reversed(seen[:-1]):
            await keys(pilot, "backspace")
            assert screen_text(pilot) == text
        assert session(pilot).explorer.view is None
        assert address(pilot) == start


async def test_a_term_leads_to_its_step_and_is_selected_there() -> None:
    async with opened(BPTT, "1:backward:2:h") as pilot:
        await keys(pilot, "v", "g", "enter")
        assert explained(pilot) == "∂h[2][0]"
        await keys(pilot, "j", "j", "j", "enter")
        assert address(pilot) == "1:backward:3:a"
        assert explained(pilot) == "∂a[3][0]"
        assert session(pilot).pane.exact()[0] == "∂a[3][0]"
        text = screen_text(pilot)
        assert "∂h[2][0] → ∂a[3][0]" in text
        assert "why ∂a[3][0]" in text
        for name in ("title", "equation", "narration", "timeline", "footer"):
            assert pilot.app.screen.query_one(f"#{name}").region
        assert "28/820" in text


async def test_keys_typed_ahead_do_what_slow_ones_do() -> None:
    walk = ("v", "g", "enter", "down", "enter", "enter", "up", "enter", "backspace", "j")
    async with opened(BPTT, "1:backward:2:h") as pilot:
        for key in walk:
            await keys(pilot, key)
        slow = screen_text(pilot)
    async with opened(BPTT, "1:backward:2:h") as pilot:
        await keys(pilot, *walk)
        assert screen_text(pilot) == slow


async def test_a_weight_is_followed_to_the_first_iteration() -> None:
    async with opened(BPTT, "3:update:W_hh:w") as pilot:
        session(pilot).select(("weights", "W_hh", 0, 0))
        await keys(pilot, "enter")
        seen = [address(pilot)]
        for _ in range(3):
            await keys(pilot, "enter")
            seen.append(address(pilot))
        assert seen == ["3:update:W_hh:w", "2:update:W_hh:w", "1:update:W_hh:w", "1:update:W_hh:w"]
        assert "given by the session" in screen_text(pilot)


async def test_the_panel_follows_time_and_the_selected_cell() -> None:
    async with opened("bptt-two-units", "1:forward:2:h") as pilot:
        await keys(pilot, "enter")
        assert explained(pilot) == "h[2][0]"
        await keys(pilot, "n")
        assert explained(pilot) == "h[3][0]"
        await keys(pilot, "l")
        assert explained(pilot) == "h[3][1]"
        await keys(pilot, "v", "w")
        assert explained(pilot).startswith("W_xh")
        await keys(pilot, "q")
        assert session(pilot).explorer.view is None
        assert pilot.app.is_running
        assert address(pilot) == "1:forward:3:h"


async def test_enter_asks_about_what_the_step_wrote_until_a_person_picks_a_cell() -> None:
    async with opened(BPTT, "1:forward:4:loss") as pilot:
        await keys(pilot, "f")
        assert "∂loss[4] = 1.0" in screen_text(pilot).splitlines()[0]
        await keys(pilot, "enter")
        assert explained(pilot) == "∂loss[4]"
        await keys(pilot, "right")
        assert explained(pilot) == "∂z[4][hi]"
        await keys(pilot, "q", "right")
        assert "∂h[4][0] = " in screen_text(pilot).splitlines()[0]
        await keys(pilot, "enter", "enter")  # to ∂z, which is selected there, but was not picked
        assert explained(pilot) == "∂z[4][hi]"
        await keys(pilot, "q", "right")
        assert "∂h[4][0] = " in screen_text(pilot).splitlines()[0]
        await keys(pilot, "v", "h", "right")
        assert "h[4][0] = 0.127" in screen_text(pilot).splitlines()[0]
        await keys(pilot, "escape")
        assert "∂a[4][0] = " in screen_text(pilot).splitlines()[0]
        await keys(pilot, "h", "right")
        assert session(pilot).pane.NAME == "gradients" and not session(pilot).follows


async def test_what_cannot_be_explained_says_why_and_opens_nothing() -> None:
    async with opened(BPTT, "1:forward:2:h") as pilot:
        await keys(pilot, "v", "o", "enter")
        assert "p[2] is not computed yet" in screen_text(pilot)
        assert session(pilot).explorer.view is None
        await keys(pilot, "backspace")
        assert "nothing to go back to" in screen_text(pilot)
        await keys(pilot, "v", "h", "enter", "F", "v", "g")
        assert "not computed yet" in screen_text(pilot)
        await keys(pilot, "escape")
        assert session(pilot).explorer.view is None


async def test_a_running_sum_is_explained_as_it_stands() -> None:
    async with opened(BPTT, "1:backward:3:a") as pilot:
        session(pilot).select(("gradients", "∂W_hh", 0, 0))
        shown = session(pilot).pane.exact()[1]
        await keys(pilot, "enter")
        assert explained(pilot) == "∂W_hh[0,0] so far"
        text = screen_text(pilot)
        assert f"∂W_hh[0,0] so far = {shown}" in text
        assert "added at a[4]" in text and "added at a[3]" in text and "added at a[2]" not in text
        await keys(pilot, "l", "h", "n")  # a cell that was picked stays
        assert "added at a[2]" in screen_text(pilot)
        await keys(pilot, "n")
        assert explained(pilot) == "∂W_hh[0,0]"  # the way back is done


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_number_that_no_pane_shows_is_marked_in_the_equation(size: tuple[int, int]) -> None:
    async with opened("vanishing", "2:update:W_hh:w", size) as pilot:
        await keys(pilot, "v", "w", "enter", "down", "enter")
        assert explained(pilot) == "m_hat of W_hh[0,0]"
        text = screen_text(pilot)
        assert "no pane shows it: it is what the equation below has made" in text
        marked = "▸m_hat = " if size == (80, 24) else "┏━ equation"
        assert marked in text and "━ weights" not in text
        await keys(pilot, "backspace")
        assert "no pane shows it" not in screen_text(pilot) and marked not in screen_text(pilot)
        assert size == (80, 24) or "━ weights" in screen_text(pilot)


async def test_inputs_are_given() -> None:
    async with opened(BPTT, "1:forward:2:h") as pilot:
        await keys(pilot, "v", "i", "enter")
        assert "x is data" in screen_text(pilot)
        await keys(pilot, "enter")
        assert "nothing stands behind it" in screen_text(pilot)


@pytest.mark.parametrize(
    "name", ["hello", "batch", "alternating-bits", "lstm-remembers", "same-step-four-cells"]
)
def test_every_cell_of_every_pane_has_an_answer_and_is_found_again(name: str) -> None:
    controller = Controller(lesson(name))
    total = controller.schedule.total
    for index in sorted({0, 7, total // 3, total // 2, total - 20, total - 3, total - 1}):
        controller.return_to((max(min(index, total - 1), 0), 0, 0))
        snapshot = controller.snapshot
        for pane in PANES:
            for matrix in snapshot.panes[pane]:
                rows, columns = matrix.values.shape
                for row in {0, rows // 2, rows - 1, matrix.current or 0}:
                    for column in {0, columns - 1}:
                        cell = controller.cell_at((pane, matrix.key, row, column))
                        if isinstance(cell, str):
                            assert cell and not cell.endswith(".")
                            continue
                        answer = controller.why(cell)
                        if isinstance(answer, str):
                            assert cell.kind == "data" and "none is given" in answer, (cell, answer)
                            continue
                        if matrix.texts is None:
                            assert answer.value == matrix.values[row, column], (snapshot.address, cell)
                        if answer.sums and answer.terms:
                            size = sum(abs(term.value) for term in answer.terms)
                            assert abs(answer.rounding) <= 1e-12 * max(size, 1e-300)
                        assert controller.spot_of(cell) is not None


def test_a_cell_that_is_nowhere_has_no_spot() -> None:
    controller = Controller(lesson(BPTT))
    assert controller.spot_of(Cell("update", 1, "W_hh", (0, 0), equation="g")) is None
    assert controller.cell_at(("hidden", "nope", 0, 0)) == "there is no cell here"
    assert controller.cell_at(("hidden", "h", 99, 0)) == "there is no cell here"


# gradient flow


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("name", [BPTT, "vanishing", "lstm-remembers", "hello"])
async def test_flow_shows_map_check_and_horizon(name: str, size: tuple[int, int]) -> None:
    async with opened(name, "1:backward:2:h", size) as pilot:
        await keys(pilot, "t")
        text = screen_text(pilot)
        assert "gradient flow, iteration 1" in text
        assert "✓ Added up they are the gradients shown" in text
        assert "orizon" in text
        assert "q close" in text
        await keys(pilot, "t")
        assert "gradient flow" not in screen_text(pilot)


async def test_from_a_cell_to_its_hops_to_a_step_and_back() -> None:
    async with opened(BPTT, "1:backward:2:h", (80, 24)) as pilot:
        before = screen_text(pilot)
        await keys(pilot, "t")
        map_text = screen_text(pilot)
        await keys(pilot, "down", "down")
        assert "The loss at t=4 sends 0.0067" in screen_text(pilot)
        moved = screen_text(pilot)
        await keys(pilot, "enter")
        hops = screen_text(pilot)
        assert "4 → 3" in hops and "2 → 1" in hops
        assert "loses most" in hops
        assert "h to a, through W_hh" in hops
        await keys(pilot, "up", "enter")
        assert address(pilot) == "1:backward:3:h"
        assert session(pilot).explorer.view is None
        assert session(pilot).pane.exact()[0] == "∂h[3][0]"
        await keys(pilot, "enter")  # why this gradient, from where the hop arrived
        assert explained(pilot) == "∂h[3][0]"
        await keys(pilot, "q", "backspace")
        assert "4 → 3" in screen_text(pilot)
        await keys(pilot, "backspace")
        assert screen_text(pilot) == moved
        await keys(pilot, "backspace")
        assert screen_text(pilot) == before
        await keys(pilot, "t")
        assert screen_text(pilot) == map_text


async def test_flow_follows_the_iteration_and_the_scale_can_be_changed() -> None:
    async with opened("vanishing", "1:backward:2:h") as pilot:
        await keys(pilot, "t")
        assert "by powers of ten" in screen_text(pilot)
        await keys(pilot, "e")
        assert "linear" in screen_text(pilot)
        first = screen_text(pilot)
        await keys(pilot, "i")
        assert "iteration 2" in screen_text(pilot)
        await keys(pilot, "I")
        assert screen_text(pilot) == first


async def test_gates_show_their_shares() -> None:
    async with opened("lstm-remembers", "40:backward:2:h") as pilot:
        await keys(pilot, "t", "h", "h")
        assert " % through c" in screen_text(pilot)
        await keys(pilot, "enter")
        assert "c to c, through" in screen_text(pilot)


async def test_without_loss_or_state_one_sentence_says_why_nothing_flows() -> None:
    async with opened("i-love-cats") as pilot:
        await keys(pilot, "t")
        assert "there is no loss, so no gradient flows" in screen_text(pilot)
    stateless = document(
        "loss = squared_error(w * x, y)", {"w": 1}, data={"inputs": [1, 2], "targets": [1, 2]}
    )
    async with opened(Session(loads(json.dumps(stateless).encode()))) as pilot:
        await keys(pilot, "t")
        assert "nothing flows through time" in screen_text(pilot)


async def test_the_footer_of_the_map_names_what_works_and_a_key_that_does_not_says_why() -> None:
    async with opened("vanishing", "1:backward:2:h", (80, 24)) as pilot:
        await keys(pilot, "t")  # one loss, at t=20
        assert not any(arrow in footer(pilot) for arrow in "↓↑→")
        for key, why in (
            ("down", "no later loss"),
            ("k", "no earlier loss"),
            ("right", "no later time step"),
        ):
            await keys(pilot, key)
            assert why in session(pilot).said
        await keys(pilot, "left")
        assert session(pilot).said == "" and "→ later" in footer(pilot)
    async with opened(BPTT, "1:backward:4:h", (60, 20)) as pilot:
        await keys(pilot, "t")
        assert "↑ before" in footer(pilot) and "↓" not in footer(pilot)
        await keys(pilot, "up")
        assert "↓ next  ↑ before" in footer(pilot)
        await keys(pilot, "9", "up")
        assert "↓ next" in footer(pilot) and "↑" not in footer(pilot)
        await keys(pilot, "9", "left", "left")
        assert "first time step" in session(pilot).said


async def test_so_does_that_of_the_hops() -> None:
    async with opened(BPTT, "1:backward:4:h", (80, 24)) as pilot:
        await keys(pilot, "t", "enter", "9", "down")
        assert "↑ before" in footer(pilot) and "↓" not in footer(pilot)
        await keys(pilot, "down")
        assert "this is the last hop" in session(pilot).said
        await keys(pilot, "9", "up")
        assert "↓ next" in footer(pilot) and "↑" not in footer(pilot)


# in full


async def test_in_full_follows_and_closes_in_four_ways() -> None:
    async with opened(BPTT, "1:backward:2:h", (80, 24)) as pilot:
        for closing in ("x", "q", "escape", "backspace"):
            before = screen_text(pilot)
            await keys(pilot, "x")
            assert "what arrived" in screen_text(pilot)
            await keys(pilot, "5", "j")
            assert "↑" in screen_text(pilot)
            await keys(pilot, closing)
            assert screen_text(pilot) == before
        await keys(pilot, "x", "left")
        assert "∂z at t=2" in screen_text(pilot)
        await keys(pilot, "i")
        assert address(pilot) == "2:backward:2:z"
        assert "∂z at t=2" in screen_text(pilot)


async def test_help_explains_the_open_view_and_lists_its_keys_first() -> None:
    async with opened(BPTT, "1:backward:2:h") as pilot:
        for key, word in (
            ("t", "horizon is the number of steps"),
            ("x", "whole step"),
            ("enter", "down to what is"),
        ):
            await keys(pilot, key, "question_mark")
            assert isinstance(pilot.app.screen, HelpScreen)
            said = "\n".join(str(widget.render()) for widget in pilot.app.screen.query("Static"))
            assert word in " ".join(said.split())
            assert "close the panel and stay here" in said
            await keys(pilot, "escape", "q")


async def test_sub_expressions_are_named_in_the_title() -> None:
    async with opened(BPTT, "1:forward:2:a") as pilot:
        before = screen_text(pilot)
        await keys(pilot, "S")
        assert "› W_xh @ x + W_hh @ h[t-1]" in screen_text(pilot).splitlines()[0]
        await keys(pilot, "s")
        assert screen_text(pilot) == before


# predict


async def test_predict_hides_judges_and_goes_on() -> None:
    async with opened(BPTT, "1:forward:2:a", (80, 24)) as pilot:
        await keys(pilot, "p")
        text = screen_text(pilot)
        assert "a[2][0] = ▏" in text
        assert "-0.2076" not in text and "-0.2075" not in text
        assert "p end" in text
        await keys(pilot, "0", "full_stop", "5", "enter")
        assert "Not right: 0.5 is off by 0.71" in screen_text(pilot)
        assert "-0.207" not in screen_text(pilot)
        await keys(pilot, "minus", "full_stop", "2", "0", "8", "enter")
        assert "Right: it is -0.207577; -.208 is off by 0.00042" in screen_text(pilot)
        await keys(pilot, "right")
        assert address(pilot) == "1:forward:2:h"
        assert "h[2][0] = ▏" in screen_text(pilot)
        assert "-0.2046" not in screen_text(pilot)
        await keys(pilot, "minus", "enter")
        assert "Right: it is -0.204646" in screen_text(pilot)
        assert "h[2][0] = -0.20464" in screen_text(pilot)
        await keys(pilot, "left")
        assert not session(pilot).predicting.pending  # answered already
        await keys(pilot, "p")
        assert (
            "Of 2: 1 right at the first try, 1 later or with help, 0 shown. P saves the answers."
            in " ".join(screen_text(pilot).split())
        )


async def test_terms_that_are_nothing_are_no_help() -> None:
    async with opened(BPTT, "1:forward:1:a", (120, 40)) as pilot:
        await keys(pilot, "p", "t")
        assert "a[1][0] is the sum of 0.5 (W_xh[0,hi] * x[1][hi])" in screen_text(pilot)
        assert "0 (" not in screen_text(pilot)


async def test_help_comes_in_three_steps() -> None:
    async with opened(BPTT, "1:backward:2:h", (120, 40)) as pilot:
        await keys(pilot, "p")
        assert "0.2 * 0.2957" not in screen_text(pilot)
        assert "∂h = W_hhᵀ @ ∂a[t+1]" in screen_text(pilot)
        await keys(pilot, "e")
        assert "0.2 * 0.2957" in screen_text(pilot)
        assert "= 0.745396" not in screen_text(pilot)
        await keys(pilot, "t")
        assert "∂h[2][0] is the sum of 0.3552 (W_hy[class,0] * ∂z[2][class])" in screen_text(pilot)
        assert "0.745" not in screen_text(pilot)
        await keys(pilot, "a")
        assert "It is 0.745396" in screen_text(pilot)
        assert "= 0.745396" in screen_text(pilot)
        assert [answer.help for answer in session(pilot).predicting.answers] == ["answer"]


async def test_another_cell_of_the_step_can_be_asked_for() -> None:
    async with opened(BPTT, "1:forward:2:p") as pilot:
        await keys(pilot, "p")
        first = session(pilot).predicting.question
        assert "▏" in screen_text(pilot)
        await keys(pilot, "l")
        second = session(pilot).predicting.question
        assert (second.column - first.column) % 4 == 1
        assert f"{second.label} = ▏" in screen_text(pilot)
        await keys(pilot, "h")
        assert session(pilot).predicting.question == first


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_shape_can_be_asked_for_and_then_the_value(size: tuple[int, int]) -> None:
    async with opened("bptt-two-units", "1:update:W_hy:w", size) as pilot:
        await keys(pilot, "p")
        assert "s asks for its shape" in " ".join(screen_text(pilot).split())
        await keys(pilot, "s")
        text = screen_text(pilot)
        assert "shape of W_hy: ▏  Type 2x4 for a matrix, 4 for a vector" in text
        assert size == (80, 24) or "s shape" in text
        await keys(pilot, "t")
        assert "W_hy has the shape of what W_hy has" in screen_text(pilot)
        await keys(pilot, "2", "x", "4", "enter")
        assert "Not right: 2x4 is not its shape" in screen_text(pilot)
        await keys(pilot, "4", "x", "2", "enter")
        assert "W_hy. Right: it is a 4×2 matrix. Now its value" in screen_text(pilot)
        await keys(pilot, "s")
        assert "the shape of W_hy is 4x2" in screen_text(pilot)
        await keys(pilot, "a", "p")
        assert "Of 2: 0 right at the first try, 1 later or with help, 1 shown." in " ".join(
            screen_text(pilot).split()
        )
    async with opened("bptt-two-units", "1:backward:3:h", size) as pilot:
        await keys(pilot, "p", "s", "t")
        assert "∂h[3] has the shape of [2×2]ᵀ @ [2] + [4×2]ᵀ @ [4]" in screen_text(pilot)
        await keys(pilot, "s", "left_square_bracket", "2", "right_square_bracket", "enter")
        assert "∂h[3]. Right: it is a vector of 2" in screen_text(
            pilot
        )  # typed while the value was asked for
        await keys(pilot, "right", "s", "enter")
        assert "type a shape such as 2x4 or 4" in screen_text(pilot)


async def test_nothing_opens_that_would_tell_the_answer() -> None:
    async with opened(BPTT, "1:forward:1:h") as pilot:
        await keys(pilot, "enter", "p")
        assert session(pilot).explorer.view is None
        await keys(pilot, "colon")
        await keys(pilot, "escape")
        session(pilot).action_full()
        await keys(pilot)
        assert "first the answer" in screen_text(pilot)
        await keys(pilot, "a", "enter")
        assert explained(pilot) == "h[1][0]"
        await keys(pilot, "right")
        assert session(pilot).explorer.view is None
        assert f"{session(pilot).predicting.question.label} = ▏" in screen_text(pilot)
        await keys(pilot, "space")
        assert "step by step" in screen_text(pilot)


async def test_what_is_no_answer_is_not_recorded_and_digits_can_be_rubbed_out() -> None:
    async with opened(BPTT, "1:forward:1:h") as pilot:
        await keys(pilot, "p", "enter")
        assert "type a number" in screen_text(pilot)
        await keys(pilot, "minus", "minus", "enter", "backspace", "backspace", "3")
        assert "h[1][0] = 3▏" in screen_text(pilot)
        assert session(pilot).predicting.answers == []


async def test_a_tiny_number_is_typed_by_its_power_of_ten() -> None:
    async with opened("vanishing", "1:backward:1:h") as pilot:
        await keys(pilot, "p", "0", "full_stop", "0", "0", "4", "enter")
        assert "Not right" in screen_text(pilot)
        question = session(pilot).predicting.question
        mantissa, _, exponent = f"{question.value:.2e}".partition("e-")
        typed = [*mantissa.replace("-", "−"), "E", "−", *exponent.lstrip("0")]
        await keys(pilot, *({".": "full_stop", "−": "minus"}.get(key, key) for key in typed), "enter")
        assert f"Right: it is {question.value:.6g}" in " ".join(screen_text(pilot).split())


async def test_nought_is_a_sign() -> None:
    async with opened("truncated-bptt", "1:backward:3:h") as pilot:
        await keys(pilot, "p")
        assert "its sign: + - or 0" in screen_text(pilot) or "its sign, + - or 0" in screen_text(pilot)
        assert session(pilot).predicting.question.value == 0.0
        await keys(pilot, "plus", "enter")
        assert "Not right: the other sign, or 0" in screen_text(pilot)
        await keys(pilot, "0", "enter")
        assert "Right: it is 0" in screen_text(pilot)


async def test_the_answers_are_saved_and_quitting_asks_before_they_are(tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    async with opened(BPTT, "1:forward:1:h") as pilot:
        await keys(pilot, "P")
        assert "no answers yet; p begins predict mode" in screen_text(pilot)
        await keys(pilot, "p", "P")
        assert "no answers yet; Enter gives one" in screen_text(pilot)
        await keys(pilot, "a", "q")
        assert isinstance(pilot.app.screen, SureScreen)
        await keys(pilot, "n", "P")
        screen = pilot.app.screen
        assert isinstance(screen, AskScreen)
        screen.query_one("Input").value = str(path)  # type: ignore[attr-defined]  # an Input has one
        await keys(pilot, "enter")
        await until(pilot, lambda: not session(pilot).predicting.unsaved)
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert [row["verdict"] for row in rows] == ["shown"]
        await pilot.press("q")
        await pilot.pause()
        assert not pilot.app.is_running


# anywhere


async def test_strangers_names_reach_no_terminal() -> None:
    evil = "x\x1b]0;gone\x07[@click=app.quit]\u202e"
    data = {"vocabulary": [evil, "b"], "inputs": [evil, "b", evil], "targets": ["b", evil, "b"]}
    text = "h = tanh(W @ x + 0.5 * h[t-1])\np = softmax(h)\nloss = cross_entropy(p, y)"
    one = Session(
        loads(json.dumps(document(text, {"W": [[1, 0.5], [0.25, 1]]}, data=data, title=evil)).encode())
    )
    async with opened(one, "1:forward:2:h", (80, 24)) as pilot:
        for pressed in (
            ("enter",),
            ("enter",),
            ("q", "v", "i", "enter"),
            ("q", "t"),
            ("enter",),
            ("q", "x"),
            ("q", "p"),
            ("t",),
        ):
            await keys(pilot, *pressed)
            assert all(character.isprintable() or character == "\n" for character in screen_text(pilot))


@pytest.mark.parametrize("terminal", [TerminalSettings(theme="plain"), TerminalSettings(unicode=False)])
async def test_views_on_poorer_terminals(terminal: TerminalSettings) -> None:
    async with opened("vanishing", "1:backward:20:h", terminal=terminal) as pilot:
        for pressed in ("t", "enter", "q", "x", "q", "enter"):
            await keys(pilot, pressed)
            assert terminal.unicode or screen_text(pilot).isascii()
        assert "why" in screen_text(pilot)


async def test_keys_that_need_an_answer_wait_for_it_and_ctrl_c_forgets_them() -> None:
    controller = FakeController()
    app = make(controller, TerminalSettings())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        controller.gate.clear()
        await pilot.press("right", "x", "right", "j")
        assert session(pilot).explorer.view is None  # not before the first step is done
        controller.gate.set()
        await keys(pilot)
        assert controller.index == 2
        assert session(pilot).explorer.name == "full"
        controller.gate.clear()
        await pilot.press("right", "x", "right", "right")
        await keys(pilot, "ctrl+c")
        assert controller.index == 2
        assert session(pilot).explorer.name == "full"
        await keys(pilot, "q")
        assert session(pilot).explorer.name == ""


async def test_another_session_forgets_what_was_open() -> None:
    controller = FakeController()
    app = make(controller, TerminalSettings())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await keys(pilot, "x")
        assert "made up" in screen_text(pilot)
        session(pilot).take(FakeController(title="another"))
        await keys(pilot)
        assert "made up" not in screen_text(pilot)
        await keys(pilot, "backspace")
        assert "nothing to go back to" in screen_text(pilot)
