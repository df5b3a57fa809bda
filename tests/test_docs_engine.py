"""docs/engine.md: its examples run and print what they say, its rule for bytes holds; the library they show."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnn_engine
from benchmarks import growth, memory
from benchmarks.engine import CELLS, ours
from rnn_engine import Experiment
from rnn_engine.library import Floats
from tests.build import LESSONS, lesson
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
PRINTED = re.compile(r"print\(.*\)  # (.*)$", re.MULTILINE)
RULE = re.findall(r"^\| (\w+) \| (\d+) H \+ (\d+) V \+ (\d+) \| (\d+) H \| (\d+) \|$", DOCUMENT, re.MULTILINE)


def test_every_example_runs_and_prints_what_stands_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "notebook"}
    assert len(BLOCKS) >= 10
    for block in BLOCKS:
        exec(compile(block, "docs/engine.md", "exec"), names)
        assert capsys.readouterr().out.splitlines() == PRINTED.findall(block), block


# ---------------------------------------------------------------- bytes of tape


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("H", "T", "V", "B"), [(2, 3, 3, 1), (16, 8, 20, 4), (100, 25, 65, 1)])
def test_the_rule_for_bytes_of_tape(cell: str, H: int, T: int, V: int, B: int) -> None:
    tape: Any = ours(cell, H, T, V, B)()
    [(n, v, one, outside)] = [map(int, row[1:5]) for row in RULE if row[0] == cell]
    numbers = T * B * (n * H + v * V + one) + B * outside * H + 2 * memory.weights(tape.plan)
    assert memory.expected(tape.plan, T, B) == 8 * numbers
    assert memory.measured(tape.workspace) == pytest.approx(8 * numbers, rel=0.1)


@pytest.mark.parametrize("name", LESSONS)
def test_the_rule_holds_for_lessons(name: str) -> None:
    run = lesson(name).run
    iteration = run.iteration(run.first())
    if run.schedule.backward:
        _ = iteration.gradients
    tape = iteration.tape
    measured, expected = memory.measured(tape.workspace), memory.expected(tape.plan, tape.T, tape.B)
    if tape.padding is None and tape.missing is None:
        assert measured == pytest.approx(expected, rel=0.1, abs=200)  # constants, where nothing else is
    else:
        assert 0.9 < measured / expected < 1.5


@pytest.mark.parametrize("cell", CELLS)
def test_calls_per_time_step(cell: str) -> None:
    [rate] = [int(row[5]) for row in RULE if row[0] == cell]
    few, many = (row for row in growth.measure({"T": (4, 8)}, rounds=1) if row.cell == cell)
    assert many.calls - few.calls == 4 * rate


def test_growth_is_tabled_and_drawn() -> None:
    rows = [growth.Row(cell, "T", T, 100.0 * T, 8, 8, 1) for cell in CELLS for T in (8, 16)]
    assert growth.doublings(rows, "lstm", "T") == [2.0]
    assert growth.table(rows).splitlines()[-1] == "| T = 16 | 1,600 | 2.00 | 1,600 | 2.00 | 1,600 | 2.00 |"
    drawn = ET.fromstring(growth.svg(rows))
    assert len(drawn.findall(".//{*}polyline")) == len(growth.STROKES) + 1 + len(CELLS)
    committed = ET.parse(ROOT / "docs" / "growth.svg").getroot()
    assert len(committed.findall(".//{*}polyline")) == len(growth.STROKES) + 3 * (1 + len(CELLS))


# ---------------------------------------------------------------- the library


def test_public_names_are_found_and_none_is_a_module() -> None:
    assert sorted(rnn_engine.__all__) == sorted(" ".join(n for _, n in rnn_engine._HOMES).split())
    assert rnn_engine.__all__ == sorted(rnn_engine.__all__)
    modules = {path.stem for path in (ROOT / "rnn_engine").iterdir()}
    assert modules.isdisjoint(rnn_engine.__all__)
    for name in rnn_engine.__all__:
        assert getattr(rnn_engine, name).__name__ == name
        assert name in dir(rnn_engine)
    with pytest.raises(AttributeError, match="has no attribute 'Experimnt'"):
        _ = rnn_engine.Experimnt  # type: ignore[attr-defined]  # misspelt on purpose


@pytest.mark.parametrize("name", LESSONS)
def test_arrays_are_those_of_the_tape(name: str) -> None:
    opened = Experiment(lesson(name).replay)
    iteration = opened.iteration(2 if opened.schedule.iterations > 1 else 1)
    for equation, shape in opened.program.shapes.items():
        found, there = opened.values(equation, iteration.number), iteration.tape.value(equation)
        there = there if shape else there[..., 0]
        assert found.shape == there.shape
        known = ~np.isnan(found)
        assert np.array_equal(found[known], there[known])
    for parameter, value in (iteration.gradients if opened.schedule.backward else {}).items():
        assert np.array_equal(opened.gradients(parameter, iteration.number), value)


def test_what_is_handed_out_is_a_copy() -> None:
    net = Experiment(lesson("hi-there-class-bptt").replay)
    reads: tuple[Callable[[], Floats], ...] = (
        lambda: net.values("h"),
        lambda: net.gradients("h"),
        lambda: net.parameters(1)["W_hh"],
    )
    for read in reads:
        before = read()
        changed = read()
        changed[...] = 7.0
        assert np.array_equal(read(), before)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda net: net.values("q"), "there is no 'q'; expected a, h, z, p, loss"),
        (lambda net: net.gradients("p"), "there is no 'p'; expected loss, z, h, a, W_xh, W_hh, b_h, W_hy, b_y"),
        (lambda net: net.iteration(0), "there is no iteration 0; expected 1 to 20"),
        (lambda net: net.generated, "this session generates nothing; expected a `generation`"),
        (lambda net: net.build("h = x", x=[1], optimiser={}), '$.training: unknown member "optimiser"; did you'),
        (lambda net: net.build("h = x", x=[object]), "<class 'object'>; expected numbers, strings, lists, arrays"),
        (lambda net: net.build("h = k * x", {"k": "a"}, x=[1]), "parameters and initial states: could not convert"),
        (lambda net: net.build("h = x", x=[np.nan]), "$.data.inputs[0]: the literal NaN"),
        (lambda net: net.build("h = x"), "$.data: has nothing; expected one of"),
        (lambda net: net.build("h = x", x=[1.0]).gradients("h"), "there is no 'h'; expected nothing without a loss"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(ask: Any, message: str) -> None:
    with pytest.raises(rnn_engine.EngineError) as refused:
        ask(Experiment(lesson("hi-there-class-bptt").replay))
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_weights_that_are_not_finite_are_kept() -> None:
    net = Experiment.build("h = h[t-1] + k * x", {"k": np.inf}, x=[1.0, 2.0])
    assert net.values("h")[:, 0].tolist() == [np.inf, np.inf]
