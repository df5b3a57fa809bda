"""What the notes of the lessons on memory and on the way back say is true, number by number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np
import pytest

from rnn_engine.flow import LEFT, horizon
from tests.build import lesson
from tests.runs import (
    LAST,
    NAMES,
    REMEMBER,
    accuracy,
    at,
    changed,
    flow,
    gradient,
    norm,
    right,
    timeline,
    value,
)


def facts(name: str) -> Mapping[str, Mapping[str, float]]:
    """By address: what its note quotes, and the number that it quotes."""
    if name in REMEMBER:
        return {**of_memory(name), **END[name]()}
    return {
        "exploding-and-clipping": of_explosion,
        "truncated-bptt": of_truncation,
        "bptt-two-units": of_two_units,
        "same-step-four-cells": of_four_cells,
    }[name]()


def of_memory(name: str) -> dict[str, dict[str, float]]:
    """What arrives at t = 1 of the gradient at t = 20, before training."""
    last = flow(name).map[-1]
    if name == "vanishing":
        worst = flow(name).worst(19)
        reach = horizon(at(name))
        assert worst is not None and reach is not None and reach.steps is not None
        W = np.abs(at(name).gradients["W_xh"])
        p = value(name, 1, "p", 20)
        np.testing.assert_allclose(p[0], p[1], atol=1e-6)
        return {
            "1:forward:20:p": {"1": 1, "2": 2},
            "1:backward:20:h": {"0.1837": last[-1], "20": 20},
            "1:backward:13:h": {
                "14": worst.t, "13": worst.t - 1, "0.187": worst.factor,
                "0.675": worst.nonlinearity, "0.277": worst.weights, "1": 1,
            },
            "1:backward:1:h": {"1": 100 * LEFT, "6": reach.steps, "19": 19, "6.2e-9": last[0]},
            "1:update:W_xh:w": {"0.2014": W.max(), "2.8e-8": W[:, :2].max()},
        }  # fmt: skip
    start, left = {"lstm-remembers": ("0.0940", "0.0111"), "gru-remembers": ("0.1410", "0.0428")}[name]
    share = {"lstm-remembers": "12", "gru-remembers": "30"}[name]
    quoted = {start: last[-1], left: last[0], share: 100 * last[0] / last[-1], "20": 20}
    return {f"1:backward:1:{'c' if name == 'lstm-remembers' else 'h'}": quoted}


def of_forgetting() -> dict[str, dict[str, float]]:
    p = timeline("vanishing").ending().tape.value("p")[-1]
    assert f"{p[1, 0]:.4f}" == "0.4950"
    return {f"{LAST}:evaluate:20:p": {"4": 8 * accuracy(timeline("vanishing")), "8": 8, "0.4950": p[0, 0]}}


def of_the_lstm() -> dict[str, dict[str, float]]:
    name = "lstm-remembers"
    through = flow(name, LAST).shares(19)["c"]
    first, last = value(name, LAST, "c", 1).copy(), value(name, LAST, "c", 20).copy()
    p = timeline(name).ending().tape.value("p")[-1]
    return {
        "1:forward:2:c": {"3": 3, "0.976": value(name, 1, "f", 2)[0, 3], "1": 1},
        f"{LAST}:forward:20:c": {
            "3": 3, "0.907": last[0, 3], "-5.143": last[1, 3], "1": 1,
            "0.947": first[0, 3], "-0.941": first[1, 3],
        },
        f"{LAST}:backward:19:c": {"20": 20, "92": 100 * through[18], "99": 100 * through[:18].max()},
        f"{LAST}:backward:1:c": {
            "3": 3, "-0.0056": gradient(name, LAST, "c", 1)[3], "20": 20,
            "-0.0052": gradient(name, LAST, "c", 20)[3],
        },
        f"{LAST}:evaluate:20:p": {"8": 8 * accuracy(timeline(name)), "0.979": p[0, 0], "0.017": p[1, 0]},
    }  # fmt: skip


def of_the_gru() -> dict[str, dict[str, float]]:
    name = "gru-remembers"
    assert right(at(name, 43)) < 1
    assert {right(at(name, number)) for number in range(44, LAST + 1)} == {1.0}
    first, last = value(name, LAST, "h", 1).copy(), value(name, LAST, "h", 20).copy()
    hop = next(hop for hop in flow(name, LAST).hops(19) if hop.t == 11)
    others = sum(route.norm for route in hop.routes if route.through != "u")
    assert others < 1e-5
    [direct] = [route.norm for route in hop.routes if route.through == "u"]
    left = flow(name, LAST).map[-1]
    return {
        "1:forward:2:h": {"0": 0, "0.837": value(name, 1, "u", 2)[0, 0], "1": 1},
        "44:forward:20:p": {"8": 8},
        f"{LAST}:forward:20:h": {
            "0": 0, "-0.779": last[0, 0], "0.996": last[1, 0], "1": 1,
            "-0.798": first[0, 0], "0.245": first[1, 0],
        },
        f"{LAST}:backward:10:h": {"0.0038": direct, "1e-5": 1e-5, "1": 1},
        f"{LAST}:evaluate:20:p": {
            "8": 8 * accuracy(timeline(name)), "89": 100 * left[0] / left[-1], "20": 20, "1": 1,
        },
    }  # fmt: skip


END = {"vanishing": of_forgetting, "lstm-remembers": of_the_lstm, "gru-remembers": of_the_gru}


def of_explosion() -> dict[str, dict[str, float]]:
    name = "exploding-and-clipping"
    run, W = timeline(name), at(name).before.parameters["W_hh"]
    growth = float(np.linalg.eigvals(W).real.max())
    s = run.ending().tape.value("s")[-1, :, 0]
    free = changed(name, clip=None).iteration(2)
    assert free.tape.value("h").max() == 0.0
    assert f"{norm(at(name)):,.0f}" == "12,060" and "12,060" in lesson(name).notes
    assert f"× {growth:.1f}" == "× 1.3"
    y = run.ending().tape.y
    assert y is not None
    due = y.values[-1, :, 0]
    first, last = gradient(name, 1, "h", 1)[0], gradient(name, 1, "h", 20)[0]
    return {
        "1:forward:20:s": {"16.93": value(name, 1, "s", 20)[0, 0], "0.25": due[0], "1.3": growth},
        "1:backward:1:h": {"0.2085": last, "20": 20, "30.48": first, "19": 19, "1.3": (first / last) ** (1 / 19)},
        "1:update:W_hh:g": {
            "12,060": norm(at(name)), "6224": at(name).gradients["W_hh"][0, 0],
            "0.516": at(name).update.value("W_hh", "g")[0, 0],
        },
        "1:update:W_hh:w": {
            "1": W[0, 0], "0.9897": at(name).after.parameters["W_hh"][0, 0],
            "-123.5": free.before.parameters["W_hh"][0, 0], "0": 0,
        },
        "18:update:W_hh:g": {"1": 1},
        "40:evaluate:20:s": {
            "0.272": s[0], "0.25": due[0], "0.551": s[1], "0.55": due[1], "0.553": s[2], "0.5": due[2],
            "0.96": float(np.linalg.eigvals(run.ending().after.parameters["W_hh"]).real.max()),
        },
    }  # fmt: skip


def of_truncation() -> dict[str, dict[str, float]]:
    p = value("truncated-bptt", 200, "p", 10)[:, 0].copy()
    assert p[0] == p[1]
    return {
        "1:backward:1:h": {"1": 1, "5": 5, "0": 0},
        "2:forward:6:a": {"5": 5},
        "2:backward:6:a": {"6": 6, "5": 5},
        "2:update:W_xh:w": {"0": 0, "200": 200},
        "200:forward:10:p": {"0.493": p[0]},
        "200:evaluate:10:p": {"4": 8 * accuracy(timeline("truncated-bptt")), "8": 8, "10": 10, "20": 20},
    }


def of_two_units() -> dict[str, dict[str, float]]:
    name = "bptt-two-units"
    W = at(name).before.parameters
    back = W["W_hh"].T @ gradient(name, 1, "a", 4)
    out = {t: W["W_hy"].T @ gradient(name, 1, "z", t) for t in (3, 4)}
    a = gradient(name, 1, "a", 4)
    parts = {t: gradient(name, 1, "a", t)[0] * value(name, 1, "h", t - 1)[0, 0] for t in (2, 3, 4)}
    losses = timeline(name).losses(20)
    return {
        "1:backward:4:z": {
            "0.1829": value(name, 1, "p", 4)[0, 3], "1": 1, "-0.8171": gradient(name, 1, "z", 4)[3],
        },
        "1:backward:4:h": {"4": 4, "0.3375": out[4][0], "0.4642": out[4][1]},
        "1:backward:4:a": {"1": 1, "0.3342": a[0], "0.2640": a[1], "4": 4, "3": 3},
        "1:backward:3:h": {
            "4": 4, "0.2252": back[0], "0.1073": back[1], "3": 3, "0.4701": out[3][0], "0.4605": out[3][1],
        },
        "1:update:W_hh:w": {
            "0": 0, "0.2631": parts[4], "0.0738": -parts[3], "0.4693": parts[2],
            "0.6586": at(name).gradients["W_hh"][0, 0], "4": 4, "3": 3, "2": 2,
        },
        "20:forward:4:loss": {"1.7716": losses[19], "1": 1, "5.7061": losses[0]},
    }  # fmt: skip


def of_four_cells() -> dict[str, dict[str, float]]:
    name = "same-step-four-cells"
    cells = ("h1", "h2", "h3", "h4")

    def row(quotes: str, numbers: list[float]) -> dict[str, float]:
        return dict(zip(quotes.split(), numbers, strict=True))

    left = {state: float(flow(name).items[state][3, 0, 0]) for state in ("h1", "h2", "c", "h4")}
    at_end = row("0.1274 0.1600 0.3863 0.0493", [value(name, 1, h, 4)[0, 0] for h in cells])
    alike = row("0.2898 0.2999 0.3694 0.2654", [gradient(name, 1, h, 4)[0] for h in cells])
    sums = row("0.0351 -0.0965 -0.0329 0.6109", [gradient(name, 1, h, 1)[0] for h in cells])
    return {
        "1:forward:2:h2": {"2": 2, "-0.2": value(name, 1, "a2", 2)[0, 0], "0": value(name, 1, "h2", 2)[0, 0]},
        "1:forward:4:h4": {"4": 4, **at_end},
        "1:backward:4:h1": {"4": 4, **alike},
        "1:backward:2:a2": {
            "2": 2, "0.8599": gradient(name, 1, "h2", 2)[0], "0": gradient(name, 1, "a2", 2)[0],
        },
        "1:backward:1:h1": {"1": 1, **sums},
        "1:backward:1:s": {"4": 4, "1": 1, **row("0.0013 0 0.1295 0.1280", list(left.values()))},
    }  # fmt: skip


def numbers(note: str) -> Iterator[str]:
    """The numbers of a note as they are written there; those inside names (`W_hh`, `h2`) are no numbers."""
    text = re.sub(r"(?<=\d) - (?=\d)", " , ", note)  # a difference of two numbers
    for found in re.finditer(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e-\d+)?(?![\w])", text):
        yield found[0].rstrip(",")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_in_the_notes_is_true(name: str) -> None:
    known = facts(name)
    assert known.keys() == {mark.address for mark in lesson(name).marks}
    for mark in lesson(name).marks:
        for quote in numbers(re.sub(r"\[(\d),(\d)\]", r"[\1][\2]", mark.note)):
            written = Decimal(quote.replace(",", ""))
            exponent = written.as_tuple().exponent
            assert isinstance(exponent, int)
            off = abs(known[mark.address][quote] - float(written))
            assert off <= 0.5000001 * 10.0**exponent, f"{mark.address}: {quote}"
