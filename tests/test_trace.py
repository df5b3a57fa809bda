"""The records of `rnn-tui trace --json`: the worked examples to 1e-12, and the layout of every kind of step."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from rnn_engine.errors import AddressError
from rnn_engine.session import Session
from rnn_engine.trace import Record, records
from rnn_tui.headless.trace import describe
from tests.build import lesson, session, sessions

EXAMPLES = json.loads((Path(__file__).parent / "fixtures" / "worked-examples.json").read_text("utf-8"))[
    "lessons"
]
BPTT = EXAMPLES["hi-there-class-bptt"]["exact"]
BITS = EXAMPLES["alternating-bits"]["exact"]
PRINTED = (
    *(9.775, 9.0703, 7.5908, 5.2404, 3.2729, 2.1369, 1.5132, 1.1457, 0.9109, 0.7503),
    *(0.6346, 0.5477, 0.4803, 0.4266, 0.3830, 0.3470, 0.3167, 0.2909, 0.2687, 0.2495),
)
"""The errors of every tenth epoch, as the text with this example prints them."""


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=1e-12)


def by_address(name: str, **span: str) -> dict[str, Record]:
    return {r["address"]: r for r in records(lesson(name), **span)}


# ---------------------------------------------------------------- published numbers


def test_the_second_worked_example() -> None:
    """Hidden states, logits, probabilities, losses, every ∂ with its origin, gradients, new weights."""
    found = by_address("hi-there-class-bptt", end="1")
    for name, series in BPTT["values"].items():
        for t, value in enumerate(series, 1):
            close(found[f"1:forward:{t}:{name}"]["values"][name], value)
    close([found["1:forward:4:loss"]["totals"]["loss"][kind] for kind in ("sum", "mean")],
          [BPTT["totals"]["sum"], BPTT["totals"]["mean"]])  # fmt: skip
    back = BPTT["backward"]
    for t in range(1, 5):
        z, h, a = (found[f"1:backward:{t}:{name}"] for name in "zha")
        close(z["grads"]["z"], back["z"][t - 1])
        close(h["grads"]["h"], back["h"][t - 1])
        close(a["grads"]["a"], back["a"][t - 1])
        assert list(z["from"]) == [f"loss[{t}]"]
        assert list(h["from"]) == ([f"a[{t + 1}]"] if t < 4 else []) + [f"z[{t}]"]
        assert list(a["from"]) == [f"h[{t}]"]
        close(z["from"][f"loss[{t}]"], back["z"][t - 1])
        close(a["from"][f"h[{t}]"], back["a"][t - 1])
        close(h["from"][f"z[{t}]"], np.array(back["z"][t - 1]) @ [1.0, 0.5, -0.5, 0.0])
        if t < 4:
            close(h["from"][f"a[{t + 1}]"], back["to_previous_h"][t])
        close(a["adds"]["b_h"], back["a"][t - 1])
        close(z["adds"]["b_y"], back["z"][t - 1])
        close(z["adds"]["W_hy"], np.outer(back["z"][t - 1], BPTT["values"]["h"][t - 1]))
    for name, gradient in BPTT["gradients"].items():
        close(found["1:backward:1:a"]["totals"][name], gradient)
    for name, value in BPTT["after_sgd"]["parameters"].items():
        close(found[f"1:update:{name}:w"]["values"]["w"], value)
    for name in BPTT["after_sgd"]["frozen"]:
        assert (
            found[f"1:update:{name}:w"]["values"]["w"] == EXAMPLES["hi-there-class-bptt"]["parameters"][name]
        )


def test_the_first_worked_example() -> None:
    found = by_address("hi-there")
    exact = EXAMPLES["hi-there"]["exact"]
    for name, series in exact["values"].items():
        for t, value in enumerate(series, 1):
            close(found[f"1:forward:{t}:{name}"]["values"][name], value)
    for name, value in exact["last"].items():
        close(found[f"1:forward:2:{name}"]["values"][name], value)
    assert [round(v, 4) for v in found["1:forward:2:h"]["values"]["h"]] == [0.3106, 0.8432]


def test_the_bits_of_the_third_worked_example() -> None:
    """The twenty printed epoch errors to all four digits, all two hundred to 1e-12, and the final weights."""
    totals, last = [], {}
    for r in records(lesson("alternating-bits"), names=["w"]):
        if "epoch_totals" in r:
            totals.append(r["epoch_totals"])
        last[r["parameter"]] = r["values"]["w"]
    errors = [epoch["error"]["sum"] for epoch in totals]
    close(errors, BITS["epoch_squared_error"])
    assert [round(e, 4) for e in errors[::10]] == [*PRINTED]
    close([epoch["loss"]["sum"] for epoch in totals], np.array(errors) / 2)
    for name, value in BITS["final"].items():
        close(last[name], value)


def test_hello_is_spelled() -> None:
    drawn = [r for r in records(lesson("hello"), "60:generate") if r["equation"] == "sample"]
    assert "h" + "".join(r["sample"] for r in drawn) == "hello"
    assert [r["address"] for r in drawn] == [f"60:generate:{t}:sample" for t in (1, 2, 3, 4)]


# ---------------------------------------------------------------- layout

HEAD = ["index", "address", "epoch", "iteration", "phase", "t", "equation"]
MEMBERS = {
    "forward": [["values"]],
    "backward": [["grads", "from", "adds"]],
    "update": [["parameter", "values"]],
    "evaluate": [["values"], ["values", "predicted", "target"]],
    "generate": [["values"], ["values", "sample"]],
}


def check_layout(s: Session) -> None:
    program = s.program
    for i, r in enumerate(records(s)):
        members = [key for key in r if key not in HEAD and key not in ("totals", "epoch_totals")]
        assert list(r)[: len(HEAD)] == HEAD
        assert members in MEMBERS[r["phase"]]
        assert r["index"] == i
        place = r["parameter"] if r["phase"] == "update" else r["t"]
        assert r["address"] == f"{r['iteration']}:{r['phase']}:{place}:{r['equation']}"
        assert (r["t"] is None) == (r["phase"] == "update")
        assert r["epoch"] == s.schedule.epoch(r["iteration"])
        phase = s.schedule.phase(i)
        ends_phase = i == phase.first + len(phase.stops) - 1
        if "totals" in r or "epoch_totals" in r:
            assert ends_phase
        if ends_phase and r["phase"] == "forward":
            assert set(r.get("totals", {})) == set(s.run.scalars)
        if ends_phase and r["phase"] == "backward":
            assert list(r.get("totals", {})) == list(program.parameters)
        last_of_training = i == s.schedule.first_after_training(r["iteration"]) - 1
        if s.run.scalars and r["phase"] in ("forward", "backward", "update"):
            assert ("epoch_totals" in r) == (last_of_training and s.schedule.ends_epoch(r["iteration"]))
        for value in numbers_of(r):
            assert isinstance(value, str) or math.isfinite(value)
        json.loads(json.dumps(r, allow_nan=False))


def numbers_of(value: Any) -> Iterator[Any]:
    """Every number, and what stands in place of one."""
    if isinstance(value, dict):
        value = [v for key, v in value.items() if key not in HEAD and key not in ("parameter", "sample")]
    if isinstance(value, list):
        for item in value:
            yield from numbers_of(item)
    elif value is not None:
        yield value


@pytest.mark.parametrize(
    "name", ["i-love-cats", "hi-there", "hi-there-class-bptt", "batch", "batch-one", "hello"]
)
def test_layout_of_the_lessons(name: str) -> None:
    check_layout(lesson(name))


@given(sessions())
def test_layout_of_any_session(s: Session) -> None:
    check_layout(s)


@given(sessions(loss=True))
def test_what_arrives_sums_to_the_gradient_and_what_is_added_to_the_total(s: Session) -> None:
    sums: dict[str, Any] = {}
    for r in records(s):
        if r["phase"] == "forward":
            sums = {}
        if r["phase"] != "backward":
            continue
        parts = [np.array(v, float) for v in r["from"].values()]
        if r["equation"] != "loss":
            np.testing.assert_allclose(sum(parts, np.array(0.0)), np.array(r["grads"][r["equation"]], float))
        for name, part in r["adds"].items():
            sums[name] = sums.get(name, 0.0) + np.array(part, float)
        for name, total in r.get("totals", {}).items():
            added = sums.get(name, np.zeros_like(total))
            np.testing.assert_allclose(added, np.array(total, float), rtol=1e-9, atol=1e-12)


def test_shapes_of_values() -> None:
    """A number, `[n]`, `[B]` or `[B][n]`; one sequence has no axis of its own."""
    text = "s = sum(x)\nv = 2 * x"
    one = list(records(session(text, data={"inputs": [[1, 2]]})))
    assert [r["values"] for r in one] == [{"s": 3.0}, {"v": [2.0, 4.0]}]
    two = list(records(session(text, data={"inputs": [[[1, 2], [3, 4]]]})))
    assert [r["values"] for r in two] == [{"s": [3.0, 7.0]}, {"v": [[2.0, 4.0], [6.0, 8.0]]}]
    single = list(records(session(text, data={"inputs": [[[1], [3]]]})))
    assert [r["values"] for r in single] == [{"s": [1.0, 3.0]}, {"v": [[2.0], [6.0]]}]


def test_what_is_not_finite_is_spelled() -> None:
    s = session("a = 1 / (t - 1)\nb = -a\nc = a - a\nd = concat(a, b, c, t)", data={"steps": 1})
    values = {r["equation"]: r["values"][r["equation"]] for r in records(s)}
    assert values == {
        "a": "Infinity",
        "b": "-Infinity",
        "c": "NaN",
        "d": ["Infinity", "-Infinity", "NaN", 1.0],
    }


def test_a_line_without_totals_does_not_announce_any() -> None:
    s = session("h = 0.5 * h[t-1] + 1", data={"steps": 2})
    last = [*records(s)][-1]
    assert last["epoch_totals"] == {}
    assert describe(last) == "h = 1.5"


def test_missing_targets_are_null() -> None:
    data = {"sequences": [{"inputs": [1, 2], "targets": [1, None]}, {"inputs": [3, 4], "targets": [0, 1]}]}
    text = "p = w * x\nloss = squared_error(p, y)"
    apart = list(records(session(text, {"w": 1.0}, data=data, evaluate=True, training={"window": 9})))
    losses = [r["values"]["loss"] for r in apart if r["equation"] == "loss" and r["phase"] == "forward"]
    assert losses == [0.0, None, 9.0, 9.0]
    together = list(records(session(text, {"w": 1.0}, data=data | {"batch": 2})))
    assert [r["values"]["loss"] for r in together if "loss" in r.get("values", {})] == [
        [0.0, 9.0],
        [None, 9.0],
    ]
    judged = [r for r in apart if r["phase"] == "evaluate" and r["equation"] == "p"]
    assert [r["target"] for r in judged] == [[1, 0], [None, 1]]
    assert [r["grads"] for r in together if r["address"] == "1:backward:2:p"] == [{"p": [0.0, 3.0]}]


def test_evaluation_compares_with_the_target() -> None:
    found = by_address("hello", start="60:evaluate", end="60:evaluate")
    outputs = [r for r in found.values() if r["equation"] == "p"]
    assert [r["predicted"] for r in outputs] == [r["target"] for r in outputs] == list("ello")
    totals = found["60:evaluate:4:loss"]["totals"]
    assert totals["accuracy"] == 1.0
    assert set(totals) == {"loss", "accuracy"}


# ---------------------------------------------------------------- selection


def test_from_and_to_are_inclusive_and_cover_what_a_partial_address_matches() -> None:
    s = lesson("hi-there-class-bptt")

    def span(start: str | None, end: str | None) -> tuple[str, str, int]:
        found = [r["address"] for r in records(s, start, end)]
        return found[0], found[-1], len(found)

    assert span("1:forward:1:a", "1:forward:1:a") == ("1:forward:1:a", "1:forward:1:a", 1)
    assert span("1:forward:2", "1:forward:3:h") == ("1:forward:2:a", "1:forward:3:h", 7)
    assert span(None, "1:forward") == ("1:forward:1:a", "1:forward:4:loss", 20)
    assert span("2:update", "2:update") == ("2:update:W_xh:w", "2:update:b_y:w", 5)
    assert span("20", None) == ("20:forward:1:a", "20:update:b_y:w", 41)
    assert span(None, None)[2] == s.schedule.total
    with pytest.raises(AddressError, match="2 stands before 3"):
        list(records(s, "3", "2"))
    with pytest.raises(AddressError, match="there is no iteration 99"):
        list(records(s, "99"))


def test_names_keep_their_records_and_the_index_of_the_whole_run() -> None:
    s = lesson("hi-there-class-bptt")
    whole = {r["address"]: r for r in records(s, end="2")}
    chosen = list(records(s, end="2", names=["h", "w"]))
    assert [r["address"] for r in chosen] == [a for a, r in whole.items() if r["equation"] in ("h", "w")]
    assert all(r == whole[r["address"]] for r in chosen)
