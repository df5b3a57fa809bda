"""The lessons: their values are the oracle's, their gradients right, and what their notes say is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rnn_engine.gradcheck import check_gradients
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import Record, records
from rnn_tui.controller import Controller
from tests import reference
from tests.build import LESSONS, lesson
from tests.reference import Case

SEEDS = (
    *("i-love-cats", "hi-there", "hi-there-class-bptt"),
    *("alternating-bits", "batch", "batch-one", "hello"),
)
"""The lessons that come from worked examples; their notes quote numbers that are checked one by one."""
WITH_LOSS = tuple(name for name in LESSONS if "loss" in lesson(name).program.equations)
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+")


def case_of(name: str) -> Case:
    """A lesson's first window for the oracle."""
    s = lesson(name)
    it = s.run.iteration(s.run.first())
    [batch, *_] = s.dataset.batches
    stop = it.window.stop

    def rows(which: str) -> Any:
        signal = getattr(batch, which)
        if signal is None:
            return None
        tokens = signal.classes is not None and signal.shape
        data = signal.classes if tokens else signal.values if signal.shape else signal.values[..., 0]
        gaps = np.zeros(data.shape[:2], bool) if signal.missing is None else signal.missing
        values = data[:stop].tolist()
        return [[None if gaps[t, b] else v for b, v in enumerate(row)] for t, row in enumerate(values)]

    sizes = {w: getattr(s.dataset, f"{w}_shape")[0] for w in "xy" if getattr(s.dataset, f"one_hot_{w}")}
    return Case(
        equations=s.replay.equations,
        parameters={name: np.asarray(value) for name, value in s.run.parameters.items()},
        T=stop,
        B=batch.B,
        x=rows("x"),
        y=rows("y"),
        x_vocabulary=sizes.get("x"),
        y_vocabulary=sizes.get("y"),
        weights=s.run.weights(it.tape) if s.run.scalars else None,
    )


def test_all_lessons_are_there() -> None:
    assert set(SEEDS) <= set(LESSONS)


@pytest.mark.parametrize("name", LESSONS)
def test_values_are_the_oracles(name: str) -> None:
    case = case_of(name)
    s = lesson(name)
    it = s.run.iteration(s.run.first())
    for (t, b, equation), value in reference.forward(case).items():
        if value is not None:
            found = it.tape.value(equation)[t - 1, b]
            np.testing.assert_allclose(found, np.reshape(value, -1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in SEEDS if name in WITH_LOSS])
def test_gradients_are_the_oracles(name: str) -> None:
    s = lesson(name)
    it = s.run.iteration(s.run.first())
    for parameter, gradient in reference.gradients(case_of(name)).parameters.items():
        np.testing.assert_allclose(it.gradients[parameter], gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", WITH_LOSS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    s = lesson(name)
    found = check_gradients(s, eps=1e-5)
    assert found is not None
    assert found.relative <= 1e-7
    assert found.compared == min(2000, sum(value.size for value in s.run.parameters.values()))


@pytest.mark.parametrize("name", ["alternating-bits", "hello"])
def test_the_gradient_check_finds_a_wrong_gradient(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its passing would say nothing."""
    from rnn_engine.core.losses import CrossEntropy, HalfSquaredError

    rules = ((CrossEntropy, "fused_vjp"), (CrossEntropy, "fused_class_vjp"), (HalfSquaredError, "vjp"))
    for loss, method in rules:
        right = getattr(loss, method)

        def wrong(self: Any, *args: Any, right: Any = right) -> Iterator[Any]:
            yield from right(self, *args)
            into = args[1] if isinstance(args[0], int) else args[0]
            yield np.multiply, into, np.array(1.0001), into

        monkeypatch.setattr(loss, method, wrong)
    found = check_gradients(lesson(name))
    assert found is not None and found.relative > 1e-5


def test_batch_one_is_the_first_sequence_of_batch() -> None:
    many, one = (list(records(lesson(name))) for name in ("batch", "batch-one"))
    assert len(many) == len(one)
    for all_of_them, alone in zip(many, one, strict=True):
        assert all_of_them["address"] == alone["address"]
        for name, value in alone["values"].items():
            np.testing.assert_allclose(all_of_them["values"][name][0], value, rtol=0, atol=1e-12)
    assert np.shape(many[0]["values"]["a"]) == (5, 4)


def test_hello_spells_hello_within_sixty_iterations() -> None:
    s = lesson("hello")
    assert s.schedule.iterations <= 60
    tokens = s.dataset.vocabulary
    assert tokens is not None
    assert (
        "".join(str(tokens[k]) for k in Timeline(s.run).ending().generated.draws if k is not None) == "ello"
    )
    assert max(np.abs(value).max() for value in s.run.parameters.values()) < 0.5, (
        "the first weights are small"
    )


# ---------------------------------------------------------------- what the notes say


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def around(s: Session, address: str) -> Iterator[float]:
    """The numbers of a step and of what it reads or hands on: its iteration up to there and the weights."""
    index = s.schedule.span(address).start
    iteration = s.schedule.phase(index).iteration
    it = Timeline(s.run).iteration(iteration)
    for value in [*it.before.parameters.values(), *it.before.carried.values()]:
        yield from np.ravel(value).tolist()
    for record in records(s, str(iteration), str(iteration)):
        yield from numbers({key: v for key, v in record.items() if isinstance(v, dict)})


def elsewhere(name: str, s: Session) -> list[float]:
    """Numbers of a note that stand at other steps, worked out here."""
    W = {key: np.asarray(value) for key, value in s.run.parameters.items()}
    tape = s.run.iteration(s.run.first()).tape
    if name in ("i-love-cats", "hi-there", "batch-one"):
        h = tape.value("h")[:, 0]
        brought = [W["W_hh"] @ h[t] for t in range(tape.T - 1)]
        word = [W["W_xh"][:, k] for k in range(W["W_xh"].shape[1])]
        return list(map(float, np.concatenate([*brought, *word, *(np.tanh(w) for w in word)])))
    if name == "alternating-bits":
        ends = [r["epoch_totals"]["error"]["sum"] for r in records(s, names=["w"]) if "epoch_totals" in r]
        return [ends[0], ends[-1]]
    if name == "hello":
        largest = max(
            np.abs(g).max() for k in range(1, 61) for g in Timeline(s.run).iteration(k).gradients.values()
        )
        return [float(np.ceil(largest * 100) / 100)]
    if name == "hi-there-class-bptt":
        return [r["totals"]["loss"]["sum"] for r in records(s) if r["phase"] == "forward" and "totals" in r]
    return []


@pytest.mark.parametrize("name", SEEDS)
def test_every_number_in_the_notes_is_one_of_the_run(name: str) -> None:
    """To the digits in which it is quoted."""
    s = lesson(name)
    extra = elsewhere(name, s)
    for mark in s.marks:
        known = np.array([*around(s, mark.address), *extra])
        for quoted in NUMBER.findall(mark.note):
            if (name, quoted) == ("hi-there", "0.842"):
                continue  # the slip that this note tells of
            digits = len(quoted.partition(".")[2])
            off = np.abs(known - float(quoted)).min()
            assert off <= 0.5000001 * 10.0**-digits, f"{mark.address}: {quoted}"


@pytest.mark.parametrize("name", LESSONS)
def test_the_words_on_the_screen_at_each_mark(name: str) -> None:
    """The note stands there and fits; the notes of the session open it."""
    controller = Controller(lesson(name))
    assert controller.snapshot.title == controller.session.title
    assert controller.snapshot.note, "a lesson opens with words"
    marks = controller.marks()
    assert 3 <= len(marks) <= 10
    for address, _, note in marks:
        assert controller.go_to(address) == ""
        assert controller.snapshot.note == note
        assert 1 <= len(note) <= 90


def found_at(name: str, address: str) -> Record:
    [record] = records(lesson(name), address, address)
    return record


def test_what_the_notes_claim_in_words() -> None:
    bptt = {r["address"]: r for r in records(lesson("hi-there-class-bptt"), end="1")}
    losses = [bptt[f"1:forward:{t}:loss"]["values"]["loss"] for t in (1, 2, 3, 4)]
    assert losses.index(max(losses)) == 2, "the worst guess"
    assert found_at("alternating-bits", "1:update:W_hh:w")["values"]["w"] == pytest.approx(-0.94997849)
    hello = lesson("hello")
    vocabulary = hello.dataset.vocabulary
    assert vocabulary is not None
    best = {
        k: vocabulary[int(np.argmax(Timeline(hello.run).iteration(k).tape.value("p")[3, 0]))]
        for k in (12, 26, 27)
    }
    assert best == {12: "l", 26: "l", 27: "o"}, "told apart for the first time"
    first = Timeline(hello.run).iteration(1).tape.value("p")
    assert np.abs(first - 0.25).max() < 0.02, "about a quarter each"
