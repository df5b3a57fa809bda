"""Predict mode without a screen: what is asked, what is hidden meanwhile, what counts as right, the record."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np

from rnn_engine.core.operation import Shape, spell
from rnn_engine.snapshot import Formula, Matrix, Snapshot

RELATIVE, ABSOLUTE, AT_MOST = 0.01, 0.005, 0.05
"""A value is right within 1 % of the correct one, or within 0.005 where that is at most 5 % of it."""
RULE = "right is ±1 %, or ±0.005 within 5 %"
NOTHING = 1e-15
"""What is as small as that is what rounding left of a zero."""
HELPS = ("", "equation", "terms", "answer")
COLUMNS = ("address", "cell", "asked", "given", "correct", "distance", "verdict", "help")


Asked = Literal["value", "shape"]


class Question(NamedTuple):
    """One number that a step writes, or the shape of what it is part of. Names are raw."""

    address: str
    pane: str
    key: str
    row: int
    column: int
    label: str
    """As it is written everywhere, and read by the command line: `∂h[3][0]`, `W_hh[0,1]`."""
    value: float
    whole: str = ""
    """The label of all that the number is part of: `∂h[3]`."""
    shape: Shape | None = None
    """Of the whole; None where it is not known."""
    asks: Asked = "value"

    def about(self, asks: Asked) -> Question:
        """The same, asking for its value or for the shape of the whole."""
        return self._replace(asks=asks)


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


def first(found: tuple[Question, ...]) -> int:
    """Which of them is asked for first: always the same one of a step, whatever the numbers are.

    A choice by the numbers, such as the largest, would give an answer away.
    """
    return crc32(found[0].address.encode()) % len(found)


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
    label = matrix.cell(row, column)
    whole = f"{matrix.key}[{matrix.rows[row]}]" if matrix.kind == "over time" else matrix.key
    value = float(str(matrix.values[row, column]))  # of a float32 the shortest decimal
    return Question(snapshot.address, pane, matrix.key, row, column, label, value, whole, matrix.shape)


# ---------------------------------------------------------------- hiding


def cover(snapshot: Snapshot, question: Question, *, numbers: bool = False) -> Snapshot:
    """The snapshot without the numbers that its step writes, nor the shape if that is asked for.

    With `numbers`, the equation keeps those put in.
    """
    formula = snapshot.formula
    hidden = Formula(formula.symbols, formula.numbers if numbers else (), "= ?")

    def covered(pane: str, matrix: Matrix) -> Matrix:
        if question.asks == "shape" and (pane, matrix.key) == (question.pane, question.key):
            return _shapeless(matrix)
        return _covered(matrix)

    panes: Mapping[str, tuple[Matrix, ...]] = {
        pane: tuple(covered(pane, matrix) for matrix in matrices) for pane, matrices in snapshot.panes.items()
    }
    return replace(snapshot, panes=panes, formula=hidden, narration=(), note="")


def _shapeless(matrix: Matrix) -> Matrix:
    """One question mark in the place of all numbers."""
    timed = matrix.kind == "over time" and matrix.current is not None
    row = matrix.rows[matrix.current] if timed and matrix.current is not None else ""
    nothing = np.zeros((1, 1), matrix.values.dtype)
    nothing.flags.writeable = False
    yes = np.ones((1, 1), dtype=bool)
    return Matrix(
        matrix.key, nothing, (row,), ("",), known=~yes, written=yes, current=0 if timed else None,
        kind=matrix.kind, asked=yes,
    )  # fmt: skip


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


class Answer(NamedTuple):
    """One attempt, or the answer that was shown."""

    address: str
    cell: str
    asked: str
    """`value`, `sign`, `shape`, or nothing where the value was shown."""
    given: str
    correct: float | str
    """The value; of a shape as it is typed."""
    distance: float | None
    """Given less correct; None for a sign or shape, and for what was shown."""
    verdict: str
    """`right`, `wrong` or `shown`."""
    help: str
    """The furthest help that was asked for before it: one of `HELPS`."""


def judge(question: Question, given: str, help: str = "") -> Answer | None:
    """The verdict on what was typed: a number, a sign alone, or a shape; None where it is none of these.

    A shape (`2x4`, `[4]`, `scalar`) is known by how it looks; where a shape is asked for, `4` is one too.
    """
    text = given.strip().replace("−", "-")
    found = read_shape(text, bare=question.asks == "shape")
    if found is not None and question.shape is not None:
        return _judged_shape(question, question.shape, text, found, help)
    if question.asks == "shape":
        return None
    text = text.replace(",", ".")
    value = question.value

    def answer(asked: str, distance: float | None, right: bool) -> Answer:
        return Answer(question.address, question.label, asked, text, value, distance, _verdict(right), help)

    if text in ("+", "-"):
        return answer("sign", None, value > 0 if text == "+" else value < 0)
    try:
        number = float(text)
    except ValueError:
        return None
    if not isfinite(number):
        return None
    distance = number - value
    return answer("value", distance, isfinite(value) and abs(distance) <= tolerance(value))


def tolerance(value: float) -> float:
    """How far from a value an answer may be."""
    size = abs(value)
    return max(RELATIVE * size, min(ABSOLUTE, AT_MOST * size), NOTHING)


def _judged_shape(question: Question, shape: Shape, text: str, found: Shape, help: str) -> Answer:
    """One number is a scalar or a vector of one, whichever is meant; a vector may be called a column."""
    right = found == shape or (found == (1,) and shape == ()) or (len(shape) == 1 and found == (*shape, 1))
    return Answer(
        question.address, question.key, "shape", text, typed_shape(shape), None, _verdict(right), help
    )


_SHAPE = re.compile(r"([\[(]?)(\d{1,6})(?:([x×*,])(\d{1,6}))?,?[\])]?")


def read_shape(text: str, *, bare: bool) -> Shape | None:
    """A shape as people write it: `2x4`, `[2, 4]`, `(4,)`, `scalar`; `bare`: `4` and `2,4` as well."""
    text = "".join(text.lower().split())
    if text in ("scalar", "[]", "()"):
        return ()
    match = _SHAPE.fullmatch(text)
    if match is None or not (bare or match[1] or match[3] in ("x", "×", "*")):
        return None
    return tuple(int(size) for size in (match[2], match[4]) if size is not None)


def typed_shape(shape: Shape) -> str:
    """A shape as it is typed: `scalar`, `[4]`, `2x4`."""
    return "scalar" if not shape else f"[{shape[0]}]" if len(shape) == 1 else "x".join(map(str, shape))


def shown(question: Question) -> Answer:
    """The answer was asked for."""
    if question.asks == "shape":
        correct = typed_shape(question.shape or ())
        return Answer(question.address, question.key, "shape", "", correct, None, "shown", "answer")
    return Answer(question.address, question.label, "", "", question.value, None, "shown", "answer")


def _verdict(right: bool) -> str:
    return "right" if right else "wrong"


def spoken(question: Question, answer: Answer) -> str:
    """The verdict in a sentence; of a wrong value only how far it is off."""
    word = "Right" if answer.verdict == "right" else "Not right"
    if answer.asked == "shape":
        whole = spell(question.shape or ())
        return {"right": f"Right: it is {whole}", "shown": f"It is {whole}"}.get(
            answer.verdict, f"Not right: {answer.given} is not its shape"
        )
    is_so = f"it is {question.value:.6g}"
    if answer.verdict == "shown":
        return f"It is {question.value:.6g}"
    if answer.distance is None:
        return f"{word}: {is_so if answer.verdict == 'right' else 'the other sign, or 0'}"
    off = f"{answer.given} is off by {abs(answer.distance):.2g}"
    return f"{word}: {is_so}; {off}" if answer.verdict == "right" else f"{word}: {off} ({RULE})"


# ---------------------------------------------------------------- the record


class Score(NamedTuple):
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
    by_question: dict[tuple[str, str, bool], list[Answer]] = {}
    for answer in answers:
        by_question.setdefault((answer.address, answer.cell, answer.asked == "shape"), []).append(answer)
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
    import csv  # only who saves a record needs it

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for a in answers:
        distance = "" if a.distance is None else repr(a.distance)
        correct = a.correct if isinstance(a.correct, str) else repr(a.correct)
        writer.writerow((a.address, a.cell, a.asked, a.given, correct, distance, a.verdict, a.help))
    return out.getvalue()
