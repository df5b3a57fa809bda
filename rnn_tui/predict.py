"""Predict mode without a screen: what is asked, what is hidden meanwhile, what counts as right, the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from rnn_engine.snapshot import Formula, Matrix, Snapshot

RELATIVE, ABSOLUTE = 0.01, 0.005
"""A value is right within 1 % of the correct one, or within 0.005."""
RULE = "right is within 1 % or 0.005"
HELPS = ("", "equation", "terms", "answer")
COLUMNS = ("address", "cell", "asked", "given", "correct", "distance", "verdict", "help")


@dataclass(frozen=True, slots=True)
class Question:
    """One number that a step writes. Names are raw."""

    address: str
    pane: str
    key: str
    row: int
    column: int
    label: str
    """As a person reads it: `∂h[3][0]`, `W_hh[0,1]`."""
    cell: str
    """As the command line reads it, seen from the address: `∂h[0]`, `W_hh[0,1]`."""
    value: float


def questions(snapshot: Snapshot) -> tuple[Question, ...]:
    """The numbers that this step is about; none where it writes none that a pane shows."""
    for pane, matrices in snapshot.panes.items():
        for matrix in matrices:
            if _is_the_steps(snapshot, pane, matrix):
                assert matrix.written is not None
                cells = np.argwhere(matrix.written)
                values = [float(matrix.values[row, column]) for row, column in cells]
                if not all(map(isfinite, values)) or not _all_known(matrix):
                    return ()
                return tuple(
                    _question(snapshot, pane, matrix, int(row), int(column)) for row, column in cells
                )
    return ()


def largest(found: tuple[Question, ...]) -> int:
    """Which of them is asked for first: the largest, and of equals the first."""
    return max(range(len(found)), key=lambda at: (abs(found[at].value), -at))


def _is_the_steps(snapshot: Snapshot, pane: str, matrix: Matrix) -> bool:
    """Whether a matrix holds the value of the step's own equation, and not a sum that it adds to."""
    if matrix.written is None or not matrix.written.any() or matrix.texts is not None:
        return False
    phase = snapshot.timeline.phase
    if phase == "update":
        return pane == "weights"
    name = f"∂{snapshot.equation}" if phase == "backward" else snapshot.equation
    return matrix.key == name and pane != "weights" and matrix.kind == "over time"


def _all_known(matrix: Matrix) -> bool:
    return matrix.known is None or bool(matrix.known[matrix.written].all())


def _question(snapshot: Snapshot, pane: str, matrix: Matrix, row: int, column: int) -> Question:
    size = matrix.values.shape[1]
    if matrix.kind == "over time":
        element = f"[{column}]" if size > 1 else ""
        label = f"{matrix.key}[{matrix.rows[row]}]{element}"
    else:
        vector = matrix.columns == ("",)
        element = f"[{row}]" if vector else f"[{row},{column}]"
        element = element if matrix.values.size > 1 else ""
        label = matrix.key + element
    value = float(str(matrix.values[row, column]))  # of a float32 the shortest decimal
    return Question(snapshot.address, pane, matrix.key, row, column, label, matrix.key + element, value)


# ---------------------------------------------------------------- hiding


def cover(snapshot: Snapshot, *, numbers: bool = False) -> Snapshot:
    """The snapshot without the numbers that its step writes; with `numbers`, the equation keeps those put in."""
    formula = snapshot.formula
    hidden = Formula(formula.symbols, formula.numbers if numbers else (), "= ?")
    panes: Mapping[str, tuple[Matrix, ...]] = {
        pane: tuple(map(_covered, matrices)) for pane, matrices in snapshot.panes.items()
    }
    return replace(snapshot, panes=panes, formula=hidden, narration=(), note="")


def _covered(matrix: Matrix) -> Matrix:
    written = matrix.written
    if written is None or not written.any() or matrix.texts is not None:
        return matrix
    known = ~written if matrix.known is None else matrix.known & ~written
    values = np.where(written, 0.0, matrix.values)
    values.flags.writeable = False
    # The chosen class of a row that is hidden would say which of its numbers is the largest.
    rows = np.any(written, axis=1)
    chosen = matrix.chosen and tuple(
        None if hidden else k for hidden, k in zip(rows, matrix.chosen, strict=True)
    )
    return replace(matrix, values=values, known=known, asked=written, chosen=chosen)


# ---------------------------------------------------------------- judging


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt, or the answer that was shown."""

    address: str
    cell: str
    asked: str
    """`value`, `sign`, or nothing where the answer was shown."""
    given: str
    correct: float
    distance: float | None
    """Given less correct; None for a sign, and for what was shown."""
    verdict: str
    """`right`, `wrong` or `shown`."""
    help: str
    """The furthest help that was asked for before it: one of `HELPS`."""


def judge(question: Question, given: str, help: str = "") -> Answer | None:
    """The verdict on what was typed: a number, or a sign alone; None where it is neither."""
    text = given.strip().replace("−", "-").replace(",", ".")
    value = question.value
    common = {
        "address": question.address,
        "cell": question.cell,
        "given": text,
        "correct": value,
        "help": help,
    }
    if text in ("+", "-"):
        right = value > 0 if text == "+" else value < 0
        return Answer(asked="sign", distance=None, verdict=_verdict(right), **common)  # type: ignore[arg-type]
    try:
        number = float(text)
    except ValueError:
        return None
    if not isfinite(number):
        return None
    distance = number - value
    right = abs(distance) <= max(RELATIVE * abs(value), ABSOLUTE)
    return Answer(asked="value", distance=distance, verdict=_verdict(right), **common)  # type: ignore[arg-type]


def shown(question: Question) -> Answer:
    """The answer was asked for."""
    return Answer(
        question.address, question.cell, "", "", question.value, None, "shown", "answer"
    )  # fmt: skip


def _verdict(right: bool) -> str:
    return "right" if right else "wrong"


def spoken(answer: Answer) -> str:
    """The verdict in a sentence; of a wrong value only how far it is off."""
    if answer.verdict == "shown":
        return f"It is {answer.correct:.6g}"
    word = "Right" if answer.verdict == "right" else "Not right"
    if answer.distance is None:
        return (
            f"{word}: it is {answer.correct:.6g}"
            if answer.verdict == "right"
            else f"{word}: the other sign, or 0"
        )
    off = f"{answer.given} is off by {abs(answer.distance):.2g}"
    if answer.verdict == "right":
        return f"{word}: it is {answer.correct:.6g}; {off}"
    return f"{word}: {off} ({RULE})"


# ---------------------------------------------------------------- the record


@dataclass(frozen=True, slots=True)
class Score:
    """How many questions ended in which way."""

    at_once: int
    later: int
    shown: int
    open: int

    @property
    def line(self) -> str:
        """In one sentence."""
        total = self.at_once + self.later + self.shown
        if not total and not self.open:
            return "No question was answered."
        parts = [
            f"{self.at_once} right at the first try",
            f"{self.later} later or with help",
            f"{self.shown} shown",
        ]
        if self.open:
            parts.append(f"{self.open} not right")
        return f"Of {total + self.open}: {', '.join(parts)}."


def score(answers: Iterable[Answer]) -> Score:
    """Count questions, each by how it ended."""
    by_question: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        by_question.setdefault((answer.address, answer.cell), []).append(answer)
    ends = [_end(tries) for tries in by_question.values()]
    return Score(*(ends.count(end) for end in ("at once", "later", "shown", "open")))


def _end(tries: list[Answer]) -> str:
    first = next((at for at, answer in enumerate(tries) if answer.verdict != "wrong"), None)
    if first is None:
        return "open"
    if tries[first].verdict == "shown":
        return "shown"
    return "at once" if first == 0 and not tries[0].help else "later"


def as_csv(answers: Iterable[Answer]) -> str:
    """The record, a row for each attempt; numbers in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for a in answers:
        distance = "" if a.distance is None else repr(a.distance)
        writer.writerow((a.address, a.cell, a.asked, a.given, repr(a.correct), distance, a.verdict, a.help))
    return out.getvalue()
