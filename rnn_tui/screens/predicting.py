"""Predict mode on the screen: the question of the step, what is typed, the help, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rnn_engine.errors import EngineError
from rnn_engine.snapshot import Snapshot
from rnn_tui import predict
from rnn_tui.predict import Answer, Asked, Question
from rnn_tui.screens.dialogs import AskScreen, Field
from rnn_tui.text import safe_text

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen

LONGEST = 24
TYPED = {
    "full_stop": ".", "minus": "-", "plus": "+", "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip
LINE = 130
"""Characters for the terms, so that they fit the narration's two lines."""

EXPLAINS = (
    "A step asks for one of its numbers before it shows them: say what you expect, the number, its sign or a shape. "
    "The equation with numbers put in and the terms can be looked at first, which counts as help; the answer can be "
    "shown. The step is taken once the answer is there, and the score comes at the end."
)


class Predicting:
    """Owned by the session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self.on = False
        self.typed = ""
        self.answers: list[Answer] = []
        self._start = 0
        self._saved = 0
        self._done: set[tuple[int, int]] = set()
        self._place: tuple[int, int] | None = None
        self._questions: tuple[Question, ...] = ()
        self._at = 0
        self._help = ""
        self._asks: Asked = "value"
        self._shape_known = False
        self._acts: dict[str, Callable[[int], None]] = {
            "give": lambda _: self._give(),
            "rub_out": lambda n: self._type(self.typed[: max(len(self.typed) - n, 0)]),
            "numbers": lambda _: self._numbers(),
            "terms": lambda _: self._terms(),
            "shape": lambda _: self._other_question(),
            "reveal": lambda _: self._reveal(),
            "end_predict": lambda _: self.toggle(),
            "ask_next": self._ask,
            "ask_before": lambda n: self._ask(-n),
        }

    @property
    def pending(self) -> bool:
        """Whether a question waits for its answer."""
        return self.on and bool(self._questions)

    @property
    def unsaved(self) -> bool:
        """Whether answers would be lost."""
        return len(self.answers) > self._saved

    @property
    def question(self) -> Question:
        return self._questions[self._at].about(self._asks)

    def toggle(self) -> None:
        """Begin, or end with the score."""
        self.on = not self.on
        self._place, self._questions, self.typed = None, (), ""
        if self.on:
            self._start = self._screen.snapshot.timeline.index
        else:
            self._screen.move_on()
            hint = f" {self._screen.app.key('record')} saves the answers." if self.unsaved else ""
            self._screen.say(f"{predict.score(self.answers).line}{hint}")

    def forget(self) -> None:
        """Another session."""
        self.on, self.answers, self._saved = False, [], 0
        self._done.clear()
        self._place, self._questions, self.typed = None, (), ""

    def arrive(self, snapshot: Snapshot) -> None:
        """A step is shown: ask, unless it was answered, lies before the beginning or has nothing to ask."""
        place = (snapshot.timeline.index, snapshot.sequence[0])
        if not self.on or (place == self._place and not snapshot.within):
            return
        self._place, self._help, self.typed = place, "", ""
        self._asks, self._shape_known = "value", False
        due = place not in self._done and place[0] >= self._start and not snapshot.within
        self._questions = predict.questions(snapshot) if due else ()
        if snapshot.within:
            self._place = None
        if self._questions:
            self._at = predict.first(self._questions)
            self._select()

    def covered(self, snapshot: Snapshot) -> Snapshot:
        """What may be seen of a snapshot."""
        if not self.pending:
            return snapshot
        question, key = self.question, self._screen.app.key
        give, shape = key("give"), key("shape")
        if question.asks == "shape":
            here = f"shape of {question.whole}: {self.typed}▏"
            told: tuple[str, ...] = (
                f"{here}  Type 2x4 for a matrix, 4 for a vector, 1 for a single number; {give} answers.",
                f"{here}  Type 2x4, 4, or 1; {give} answers.",
                here,
            )
        else:
            here = f"{question.label} = {self.typed}▏"
            others = f", {key('ask_before')} {key('ask_next')} for another cell"
            other = others if len(self._questions) > 1 else ""
            how = f"Type the value ({predict.RULE}) or its sign, + - or 0; {give} answers"
            told = (
                f"{here}  {how}; {shape} asks for its shape{other}.",
                f"{here}  Type the value, or its sign: + - or 0; {give} answers; {shape}: shape.",
                here,
            )
        return replace(predict.cover(snapshot, question, numbers=bool(self._help)), narration=told)

    def act(self, id: str, count: int, key: str) -> None:
        """Do what a key means while a question is open."""
        if id == "answer":
            if len(self.typed) < LONGEST:
                self._type(self.typed + TYPED.get(key, key))
        else:
            self._acts[id](count)
        self._screen.schedule_paint()

    def _type(self, text: str) -> None:
        self.typed = text

    def _ask(self, by: int) -> None:
        self._at = (self._at + by) % len(self._questions)
        self.typed = ""
        self._select()

    def _select(self) -> None:
        q = self.question
        self._screen.select((q.pane, q.key, q.row, q.column))

    def _other_question(self) -> None:
        """From the value to the shape, and back."""
        question = self.question
        if question.shape is None or self._shape_known:
            known = predict.typed_shape(question.shape) if question.shape is not None else "unknown"
            self._screen.say(f"the shape of {question.whole} is {known}")
            return
        self._asks = "shape" if self._asks == "value" else "value"
        self._help = self.typed = ""

    def _give(self) -> None:
        answer = predict.judge(self.question, self.typed, self._help)
        if answer is None:
            wanted = (
                "a shape such as 2x4 or 4"
                if self._asks == "shape"
                else "a number such as -0.25 or 2E-9, or its sign: + - or 0"
            )
            keys = self._screen.app.keys
            self._screen.say(
                f"type {wanted}; {keys['numbers']}, {keys['terms']} and {keys['reveal']} help, "
                f"{keys['shape']} asks for {self._not_asked}"
            )
            return
        self._record(answer)

    @property
    def _not_asked(self) -> str:
        return "the value" if self._asks == "shape" else "the shape"

    def _reveal(self) -> None:
        self._record(predict.shown(self.question))

    def _record(self, answer: Answer) -> None:
        question, key = self.question, self._screen.app.key
        self.answers.append(answer)
        self.typed = ""
        said = predict.spoken(question, answer)
        if answer.verdict == "wrong":
            helps = f"{key('numbers')} equation, {key('terms')} terms, {key('reveal')} answer"
            self._screen.say(f"{said}. Try again, or: {helps}.")
            return
        if answer.asked == "shape":
            self._asks, self._shape_known, self._help = "value", True, ""
            self._screen.say(f"{question.whole}. {said}. Now its value, or {key('step')} goes on.")
            return
        if self._place is not None:
            self._done.add(self._place)
        self._questions = ()
        self._screen.say(f"{question.label}. {said}. {key('step')} goes on.")

    def _numbers(self) -> None:
        self._help = self._help or "equation"

    def _terms(self) -> None:
        self._help = "terms"
        q, controller = self.question, self._screen.controller

        def tell() -> str:
            if q.asks == "shape":
                return f"{q.whole} has the shape of {controller.shapes()}"
            cell = controller.cell_at((q.pane, q.key, q.row, q.column))
            found = cell if isinstance(cell, str) else controller.why(cell)
            if isinstance(found, str):
                return found
            head = f"{q.label} is the sum of" if found.sums else f"{q.label} comes from"
            parts: list[str] = []
            terms = [term for term in found.terms if term.value != 0.0] or found.terms[:1]
            for at, term in enumerate(terms):
                part = f"{term.value + 0.0:.4g} ({term.text})"
                if parts and len(", ".join((head, *parts, part))) > LINE:
                    smaller = len(terms) - at
                    parts.append(f"{smaller} smaller one{'' if smaller == 1 else 's'}")
                    break
                parts.append(part)
            return f"{head} {', '.join(parts)}" if parts else f"{q.label} is given"

        self._screen.submit(tell)

    # the record

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Ask for a file, and write the answers; `then` follows where they were written."""
        screen = self._screen
        if not self.answers:
            how = f"{screen.app.key('predict')} begins predict mode"
            if self.on:
                give = f"{screen.app.key('give')} gives one"
                how = give if self.pending else "the next step that writes numbers asks"
            screen.say(f"no answers yet; {how}")
            return
        from rnn_tui.export.files import Exists
        from rnn_tui.export.files import write as write_file  # only who saves a record needs it

        refused: list[str] = []

        def write(name: str) -> str:
            try:
                write_file(name, (predict.as_csv(self.answers).encode(),), replace=name in refused)
            except Exists:
                refused.append(name)
                return "there is such a file already; Enter once more replaces it"
            except EngineError as error:
                return str(error)
            return ""

        async def attempt(values: tuple[str, ...]) -> str:
            name = values[0].strip()
            if not name:
                return "a file needs a name"
            said = await screen.driver.submit(lambda: write(name), quiet=True)
            if not said:
                self._saved = len(self.answers)
                screen.say(f"saved {len(self.answers)} answers to {safe_text(name)}")
            return said

        def saved(written: bool | None) -> None:
            if written and then is not None:
                then()

        screen.app.push_screen(
            AskScreen("Save the answers as", (Field("file", "answers.csv"),), "a CSV file", attempt), saved
        )
