"""docs/recurrences.md: every text in it runs, with the values and gradients of the oracle and of finite differences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rnn_engine import texts
from rnn_engine.core.equations import compile_equations
from rnn_engine.errors import EquationError
from rnn_engine.gradcheck import check_gradients
from tests.build import of_case
from tests.engine import run
from tests.reference import Case, Floats, gradients
from tests.reference import forward as forward_by_hand

DOCUMENT = (Path(__file__).parent.parent / "docs" / "recurrences.md").read_text("utf-8")
ENTRY = re.compile(r"^### (\d+)\. (.+?)\n(.*?)^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^```refused\n(.*?)# (.*?)\n```$", re.MULTILINE | re.DOTALL)
SIZES = {"n": 2, "H": 3, "K": 2, "V": 4}
T, B = 6, 2

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Recurrence:
    """One text of the document and what its comments say."""

    number: int
    name: str
    cell: str | None
    equations: tuple[str, ...]
    shapes: Mapping[str, Shape]
    positive: frozenset[str]
    start: Mapping[str, Floats]

    @classmethod
    def read(cls, number: str, name: str, about: str, text: str) -> Recurrence:
        lines = text.splitlines()
        comments = " ".join(line for line in lines if line.startswith("#"))
        given, _, start = comments.partition("# at the start:")
        found = re.findall(r"(\w+) (\[[^\]]+\]|scalar)( > 0)?", given)
        cell = re.search(r"Cell `([\w-]+)`", about)
        return cls(
            int(number),
            name,
            cell[1] if cell else None,
            tuple(line for line in lines if not line.startswith("#")),
            {key: shape(spelled) for key, spelled, _ in found},
            frozenset(key for key, _, positive in found if positive),
            {
                key: np.array(json.loads(value), dtype=float)
                for key, value in re.findall(r"([\w\[\]-]+) = (\[[^\]]*\]|[\d.]+)", start)
            },
        )

    def case(self) -> Case:
        """With random numbers, and a loss on the last equation where there is none."""
        random = np.random.default_rng(self.number)
        equations = self.equations
        parameters = {
            name: random.uniform(0.2, 0.9, size) if name in self.positive else random.normal(0.0, 0.6, size)
            for name, size in self.shapes.items()
            if name not in ("x", "y")
        }
        x = random.normal(size=(T, B, *self.shapes["x"])) if "x" in self.shapes else None
        last = equations[-1].split(" = ")[0]
        target = self.shapes.get("y")
        if last != "loss":
            program = compile_equations(
                equations, {n: v.shape for n, v in parameters.items()}, x=self.shapes.get("x")
            )
            target = program.shapes[last]
            equations = (*equations, f"loss = half_squared_error({last}, y)")
        y = None if target is None else random.uniform(0.1, 0.9, (T, B, *target))
        if y is not None and "softmax" in " ".join(equations):
            y /= y.sum(axis=-1, keepdims=True)
        return Case(
            equations,
            parameters,
            T,
            B,
            x=None if x is None else x.tolist(),
            y=None if y is None else y.tolist(),
            initial=self.start,
        )


def shape(spelled: str) -> Shape:
    """`[H, H+n]` or `scalar`."""
    if spelled == "scalar":
        return ()
    return tuple(
        sum(SIZES[letter] for letter in part.strip().split("+")) for part in spelled[1:-1].split(",")
    )


RECURRENCES = [Recurrence.read(*found) for found in ENTRY.findall(DOCUMENT)]


def test_there_are_thirty() -> None:
    assert [r.number for r in RECURRENCES] == list(range(1, 31))
    assert {r.cell for r in RECURRENCES} - {None} == set(texts.names("cells"))


@pytest.mark.parametrize("recurrence", RECURRENCES, ids=lambda r: r.name)
def test_it_has_the_right_values_and_gradients(recurrence: Recurrence) -> None:
    case = recurrence.case()
    tape, by_hand = run(case), gradients(case)
    for (t, b, name), value in forward_by_hand(case).items():
        assert value is not None
        np.testing.assert_allclose(tape.value(name)[t - 1, b], value.reshape(-1), rtol=1e-11, atol=1e-12)
    for name, gradient in by_hand.parameters.items():
        np.testing.assert_allclose(tape.parameter_gradients[name], gradient, rtol=1e-10, atol=1e-12)
    for (t, b, name), gradient in by_hand.values.items():
        np.testing.assert_allclose(
            tape.gradient(name)[t - 1, b], gradient.reshape(-1), rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("recurrence", [r for r in RECURRENCES if r.shapes], ids=lambda r: r.name)
def test_finite_differences_agree(recurrence: Recurrence) -> None:
    found = check_gradients(of_case(recurrence.case()))
    assert found is not None
    assert found.relative < 1e-7


@pytest.mark.parametrize("recurrence", [r for r in RECURRENCES if r.cell], ids=lambda r: r.name)
def test_a_cell_stands_there_as_it_is(recurrence: Recurrence) -> None:
    cell = texts.equations("cells", recurrence.cell or "")
    assert recurrence.equations[: len(cell)] == cell


def test_fibonacci_and_the_logistic_map() -> None:
    series = {r.name: run(r.case()) for r in RECURRENCES[-2:]}
    assert series["Fibonacci"].value("F")[:, 0, 0].tolist() == [1, 2, 3, 5, 8, 13]
    assert series["Logistic map"].value("v")[:3, 0, 0] == pytest.approx([0.624, 0.9150336, 0.30321373239705])


@pytest.mark.parametrize(("text", "sentence"), REFUSED.findall(DOCUMENT))
def test_what_is_refused_says_why(text: str, sentence: str) -> None:
    with pytest.raises(EquationError) as refused:
        compile_equations(text.splitlines(), {"W": (3, 3)} if "W" in text else {}, x=(2,))
    assert str(refused.value) == sentence
