"""The gradient's way through a text that reads other time steps than the one before, walked by the keys."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_engine.flow import itemise
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_tui import cli
from tests.build import session
from tests.test_screen_app import keys, screen_text
from tests.test_screen_app import session as screen
from tests.test_views import address, opened

BOTH = """
f = tanh(W_xf @ x + W_ff @ f[t-1])
g = tanh(W_xg @ x + W_gg @ g[t+1])
p = softmax(W_fy @ f + W_gy @ g)
loss = cross_entropy(p, y)
"""
SKIP = """
h = tanh(W_xf @ x + W_ff @ h[t-1] + W_gg @ h[t-3])
p = softmax(W_fy @ h)
loss = cross_entropy(p, y)
"""
LATE = """
h = tanh(W_xf @ x + W_ff @ h[t-3])
p = softmax(W_fy @ h)
loss = cross_entropy(p, y)
"""
WORD = "abcabdabe"


def text(equations: str, **members: Any) -> Session:
    random = np.random.default_rng(7)
    V, H = len(set(WORD)), 3
    shapes = {"W_x": (H, V), "W_ff": (H, H), "W_gg": (H, H), "W_fy": (V, H), "W_gy": (V, H)}
    parameters = {
        name: random.normal(0, 0.6, next(s for start, s in shapes.items() if name.startswith(start))).tolist()
        for name in ("W_xf", "W_xg", "W_ff", "W_gg", "W_fy", "W_gy")
        if name in equations
    }
    return session(equations, parameters, **{"data": {"text": WORD}, **members})


SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
async def test_from_a_cold_start_to_later_time_steps(size: tuple[int, int]) -> None:
    async with opened(text(BOTH), size=size) as pilot:
        await keys(pilot, "t", "enter")
        seen = screen_text(pilot)
        assert "no earlier time step" not in seen
        assert "The way of the loss at t=1 through time" in seen
        hops = [f"{t} → {t + 1} " for t in range(1, 8)]
        await keys(pilot, *["up"] * 8)
        for hop, onward in pairwise(hops):
            assert f"▸ {hop}" in screen_text(pilot) and f"{hop}goes by" in screen_text(pilot)
            assert "g to g, through W_gg" in screen_text(pilot)
            await keys(pilot, "down")
            assert f"▸ {onward}" in screen_text(pilot)
        await keys(pilot, *["up"] * 8, "enter")
        assert address(pilot) == "1:backward:2:g"
        assert screen(pilot).pane.exact()[0].startswith("∂g[2][")


@pytest.mark.parametrize("size", SIZES)
async def test_both_ways_are_reached_from_the_map_and_from_the_list(size: tuple[int, int]) -> None:
    async with opened(text(BOTH), "1:forward:4:f", size) as pilot:
        await keys(pilot, "t", "right", "right")
        assert "The loss at t=4 sends" in screen_text(pilot) and " to t=6, " in screen_text(pilot)
        await keys(pilot, "enter")
        assert "▸ 5 → 6 " in screen_text(pilot) and "to later time steps" in screen_text(pilot)
        await keys(pilot, *["up"] * 9)
        assert "▸ 4 → 3 " in screen_text(pilot) and "to earlier time steps" in screen_text(pilot)
        assert "f to f, through W_ff" in screen_text(pilot)
        await keys(pilot, *["down"] * 3)
        assert "▸ 4 → 5 " in screen_text(pilot), "behind 4 → 3 → 2 → 1"
        assert "of that." in screen_text(pilot)
        await keys(pilot, "backspace", *["left"] * 4, "enter")
        assert "▸ 3 → 2 " in screen_text(pilot)
        await keys(pilot, "enter")
        assert address(pilot) == "1:backward:2:f"


async def test_the_horizon_is_said_for_either_way() -> None:
    async with opened(text(BOTH)) as pilot:
        await keys(pilot, "t")
        seen = screen_text(pilot)
        assert "Horizon: " in seen and "Horizon to later time steps: " in seen
        assert "‖∂f[8]/∂f[k]‖" in seen and "‖∂g[1]/∂g[k]‖" in seen


@pytest.mark.parametrize("size", SIZES)
async def test_hops_of_several_lengths_are_one_list(size: tuple[int, int]) -> None:
    async with opened(text(SKIP), "1:forward:8:h", size) as pilot:
        await keys(pilot, "t", "enter", *["up"] * 20)
        for hop in (
            "8 → 7 ",
            "8 → 5 ",
            "7 → 6 ",
            "7 → 4 ",
            "6 → 5 ",
            "6 → 3 ",
            "5 → 4 ",
            "5 → 2 ",
            "4 → 3 ",
            "4 → 1 ",
        ):
            assert f"▸ {hop}" in screen_text(pilot)
            through = "W_ff" if int(hop[0]) - int(hop[4]) == 1 else "W_gg"
            assert f"h to h, through {through}" in screen_text(pilot)
            await keys(pilot, "down")
        await keys(pilot, "down", "down")
        assert "▸ 2 → 1 " in screen_text(pilot)
        await keys(pilot, "backspace", *["left"] * 4)
        assert " from t=5, " in screen_text(pilot).replace("\n", " ") and " from t=7" in screen_text(pilot)


async def test_where_no_hop_stays_in_the_window_one_line_says_so() -> None:
    async with opened(text(LATE), "1:forward:2:h") as pilot:
        await keys(pilot, "t", *["up"] * 6, "enter")
        said = "From t=2 none of the reads (h[t-3]) leads to a time step of this window."
        assert said in screen_text(pilot)
        await keys(pilot, "down", "enter")
        assert "there is no hop to go to" in screen_text(pilot)
        await keys(pilot, "backspace", "down", "down", "enter")
        assert "▸ 4 → 1 " in screen_text(pilot)
    last = text(BOTH.replace("f[t-1]", "f[t+1]"))
    async with opened(last, "1:forward:8:f") as pilot:
        await keys(pilot, "t")
        assert "The loss at t=7 sends" in screen_text(pilot), "the last that has somewhere to go"
        await keys(pilot, "down", "enter")
        assert "There is no later time step in this window." in screen_text(pilot)


def test_the_commands_go_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    s = text(BOTH)
    path = tmp_path / "both.json"
    s.save(path)
    assert cli.main(["flow", str(path), "--json"]) == 0
    hops = json.loads(capsys.readouterr().out)["hops"]
    flow = itemise(Timeline(s.run).iteration(1))
    assert flow is not None
    back, on = ([hop for hop in hops if hop["loss"] == t] for t in (8, 1))
    assert [(hop["t"], hop["to"]) for hop in back] == [(t, t - 1) for t in range(8, 1, -1)]
    assert [(hop["t"], hop["to"]) for hop in on] == [(t, t + 1) for t in range(1, 8)]
    assert [hop["factor"] for hop in on] == [hop.factor for hop in flow.hops(0)]
    assert cli.main(["horizon", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["horizon", "horizon to later time steps"]
    assert cli.main(["horizon", str(path), "--at-least", "7"]) == 1
    assert cli.main(["horizon", str(path), "--at-least", "1"]) == 0


def test_a_hop_straight_from_the_loss_has_no_factor_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s = session(
        "h = tanh(x + u * h[t-1])\nloss = half_squared_error(h[t-2], y)", {"u": 0.5},
        data={"inputs": [1.0, 0.5, -0.5, 0.2], "targets": [0.0] * 4},
    )  # fmt: skip
    s.save(tmp_path / "it.json")
    assert cli.main(["flow", str(tmp_path / "it.json"), "--json"]) == 0
    first, *others = json.loads(capsys.readouterr().out)["hops"]
    assert (first["t"], first["to"], first["factor"], first["before"]) == (4, 2, None, None)
    assert first["after"] > 0.0
    assert [(hop["t"], hop["to"]) for hop in others] == [(2, 1)] and others[0]["factor"] > 0.0


# ---------------------------------------------------------------- where to start, and where nothing flows


async def test_the_map_starts_at_a_loss_that_has_a_way() -> None:
    async with opened(text(SKIP)) as pilot:  # at t = 1, whose loss has none
        await keys(pilot, "t", "enter")
        assert "The way of the loss at t=8 back through time" in screen_text(pilot)
    silent_end = text(
        SKIP, data={"inputs": list(WORD[:4]), "targets": ["a", "b", "c", None], "vocabulary": list("abcde")}
    )
    async with opened(silent_end) as pilot:
        await keys(pilot, "t")
        assert "The loss at t=3 sends" in screen_text(pilot)


RELU = "h = relu(W @ h[t-1] + x)\nloss = half_squared_error(h, y)"


def relu(inputs: list[list[float]], targets: list[list[float] | None], **members: Any) -> Session:
    data = {"inputs": inputs, "targets": targets}
    return session(RELU, {"W": [[0.1, 0.2], [0.3, 0.1]]}, data=data, **members)


async def test_what_is_undefined_is_a_dash() -> None:
    dead = relu([[1.0, 1.0], [1.0, 1.0], [-5.0, -5.0], [1.0, 1.0]], [None, None, None, [1.0, 0.5]])
    async with opened(dead) as pilot:
        await keys(pilot, "t", "enter", *["up"] * 3, "down")
        seen = screen_text(pilot)
        factors = {hop: seen.partition(f"{hop} ")[2].split()[:3] for hop in ("3 → 2", "2 → 1")}
        assert factors == {"3 → 2": ["0", "0", "–"], "2 → 1": ["–", "–", "–"]}
        assert "through W  × –  nothing comes to it" in seen
        assert "× 0 " not in seen


@pytest.mark.parametrize("size", SIZES)
async def test_where_no_loss_flows_that_is_said(size: tuple[int, int]) -> None:
    steps = [[0.1 * t, 1.0] for t in range(1, 7)]
    windows = relu(steps, [None, None, None, None, None, [1.0, 0.5]], training={"window": 3})
    async with opened(windows, size=size) as pilot:
        await keys(pilot, "t")
        seen = screen_text(pilot)
        assert "No loss flows in this window (t=1 to 3): none of its time steps has a target." in seen
        assert "The loss at t=3" not in seen and "no loss that flows" not in seen
        assert "‖∂h[3]/∂h[k]‖" in seen
        await keys(pilot, "left", "up", "enter")
        seen = screen_text(pilot)
        assert "No loss flows in this window" in seen and " → " not in seen.split("No loss flows")[1][:200]
        await keys(pilot, "enter")
        assert "there is no hop to go to" in screen_text(pilot)
        await keys(pilot, "backspace", "i")
        assert "The loss at t=6 sends" in screen_text(pilot)


async def test_several_ways_are_named_in_the_place_of_a_split() -> None:
    leaky = session("h = h[t-1] + k * (x - h[t-1])\nloss = half_squared_error(h, y)", {"k": 0.25},
                    data={"inputs": [1.0, 0.0, 1.0], "targets": [0.0, 1.0, 0.0]})  # fmt: skip
    async with opened(leaky, size=(120, 40)) as pilot:
        await keys(pilot, "t", "enter")
        seen = screen_text(pilot)
        assert "nonlinearity" not in seen and "80 % h[t-1]" in seen
        assert "h to h, through k  × 0.25000" in seen
    async with opened(text(SKIP)) as pilot:
        await keys(pilot, "t", "enter")
        assert "nonlinearity × weights" in screen_text(pilot)


# ---------------------------------------------------------------- the commands as checks


def saved(s: Session, path: Path) -> str:
    s.save(path / "it.json")
    return str(path / "it.json")


@pytest.mark.parametrize(
    ("least", "code"), [("1", 0), ("3", 0), ("4", 0), ("5", 1), ("100", 1), ("0", 2), ("-3", 2)]
)
def test_a_check_that_cannot_be_answered_does_not_pass(
    least: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["horizon", "hello", f"--at-least={least}"]) == code
    out, err = capsys.readouterr()
    said = f"; a window of 4 time steps cannot show {least} steps\n"
    assert out.endswith(said) == (code == 1)
    assert (f"--at-least {least}: expected 1 or more" in err) == (code == 2) == (out == "")


def test_one_time_step_and_a_number_that_is_none_pass_no_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    equations = "h = tanh(w * x + u * h[t-1])\nloss = squared_error(h, y)"
    one = session(equations, {"w": 0.5, "u": 5.0}, data={"inputs": [0.1], "targets": [1.0]})
    assert cli.main(["horizon", saved(one, tmp_path), "--at-least", "1"]) == 1
    assert capsys.readouterr().out.endswith(
        "one time step alone; a window of 1 time step cannot show 1 step\n"
    )
    assert cli.main(["horizon", saved(one, tmp_path)]) == 0
    capsys.readouterr()
    data = {"inputs": [0.1, 0.2], "targets": [1.0, 2.0]}
    nan = saved(session(equations, {"w": 0.5, "u": "NaN"}, data=data), tmp_path)
    assert cli.main(["horizon", nan, "--at-least", "1"]) == 1
    assert capsys.readouterr().out == "horizon: none that is known; u is not a number (nan)\n"
    assert cli.main(["flow", nan]) == 0
    assert capsys.readouterr().out.endswith("added up they are no number: u is not a number (nan)\n")


def test_a_gradient_that_overflows_is_known_up_to_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s = session("h = w * h[t-1] + x\nloss = squared_error(h, y)", {"w": 1e60},
                data={"inputs": [0.0] * 12, "targets": [0.0] * 12})  # fmt: skip
    path = saved(s, tmp_path)
    for least, code in (("3", 0), ("6", 0), ("7", 1), ("11", 1)):
        assert cli.main(["horizon", path, "--at-least", least]) == code
        assert capsys.readouterr().out == "horizon: more than 5 steps; ∂h[6] overflows\n"


def test_flow_without_a_loss_that_flows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(session("h = u * h[t-1]\nloss = half_squared_error(h, y)", {"u": 0.5},
                         data={"targets": [None] * 3}), tmp_path)  # fmt: skip
    assert cli.main(["flow", path]) == 0
    assert "No loss flows in this window (t=1 to 3)" in capsys.readouterr().out
    assert cli.main(["flow", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hops"] == []
    zero = saved(session("h = u * h[t-1]\nloss = half_squared_error(h, y)", {"u": 0.5},
                         data={"targets": [0.0] * 3}), tmp_path)  # fmt: skip
    assert cli.main(["flow", zero]) == 0
    assert "(t=1 to 3): the gradient of each is 0." in capsys.readouterr().out


def test_a_sequence_that_is_over_before_the_window_is_no_usable_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"inputs": [1.0] * T, "targets": [0.0] * T} for T in (4, 2)]
    s = session("h = tanh(x + 0.5 * h[t-1])\nloss = half_squared_error(h, y)",
                data={"sequences": rows, "batch": 2}, training={"window": 2})  # fmt: skip
    path = saved(s, tmp_path)
    for command in ("flow", "horizon"):
        assert cli.main([command, path, "--iteration", "2", "--sequence", "2"]) == 2
        assert "--sequence 2 is over before the window begins, at t=3" in capsys.readouterr().err
