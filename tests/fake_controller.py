"""A stand-in for the controller: a small tanh network whose numbers are real enough to look at.

`FakeController(hidden, tokens)` has the five classic equations; with `hidden=32` and 64 tokens it is
the "real" size of the measurements. Nothing here is a reference: the engine's tests hold those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray

from rnn_engine.derive import Section
from rnn_engine.flow import Flow, Horizon
from rnn_engine.panes import PANES
from rnn_engine.quantity import Cell
from rnn_engine.snapshot import Formula, Matrix, Snapshot, TimelineView
from rnn_engine.why import Why
from rnn_tui.edits import Prompt
from rnn_tui.places import Found

Array = NDArray[np.float64]
EQUATIONS = ("a", "h", "z", "p", "loss")
PARAMETERS = ("W_xh", "W_hh", "b_h", "W_hy", "b_y")
SYMBOLS = {
    "a": "a = W_xh @ x + W_hh @ h[t-1] + b_h",
    "h": "h = tanh(a)",
    "z": "z = W_hy @ h + b_y",
    "p": "p = softmax(z)",
    "loss": "loss = cross_entropy(p, y)",
}


@dataclass(frozen=True)
class FakeLesson:
    """An entry of a list of lessons."""

    name: str
    title: str
    summary: str
    path: str


LESSONS = (
    FakeLesson(
        "i-love-cats", "I love cats", "Three words, two hidden units: the forward pass, word by word.", "a"
    ),
    FakeLesson("hi-there", "Hi there", "From two words to the probabilities of the next one.", "b"),
    FakeLesson(
        "hi-there-class-bptt", "Backpropagation by hand", "Loss, gradients back in time, one update.", "c"
    ),
)


class FakeController:
    """The controller's interface over numbers made in one go."""

    def __init__(
        self,
        hidden: int = 2,
        tokens: Sequence[str] = ("hi", "there", "class", "!"),
        steps: int = 4,
        iterations: int = 20,
        title: str = "Backpropagation by hand",
        note: str = "Two words at a time: look how h[2] already carries what h[1] saw. Then follow the loss back.",
        batch: int = 1,
    ) -> None:
        random = np.random.default_rng(7)
        self.tokens = tuple(tokens)
        self.H, self.V, self.T, self.iterations = hidden, len(tokens), steps, iterations
        shapes = {
            "W_xh": (hidden, self.V),
            "W_hh": (hidden, hidden),
            "b_h": (hidden, 1),
            "W_hy": (self.V, hidden),
            "b_y": (self.V, 1),
        }
        self.parameters: dict[str, Array] = {
            name: random.normal(0, 0.5, shape) for name, shape in shapes.items()
        }
        self.parameters["b_h"][:] = 0.0
        self.parameters["b_y"][:] = 0.0
        self.inputs = [at % self.V for at in range(steps)]
        self.targets = [(at + 1) % self.V for at in range(steps)]
        self.title, self.batch, self.shown = title, batch, 1
        self.marked: dict[int, tuple[str, str]] = {0: ("start", note)} if note else {}
        self.index = 0
        self.path: str | None = None
        self.unsaved = False
        self.revision = 0
        self.last_edit = ""
        self.gate = Event()
        self.gate.set()
        self.cancelled = False
        self.saved: list[str | None] = []
        self._compute()

    # what the screen calls

    @property
    def snapshot(self) -> Snapshot:
        """The view at the current step."""
        return self._snapshot()

    def move(self, motion: str, count: int = 1) -> str:
        """Any motion of the table; waits while `gate` is closed, as a long move would."""
        self.gate.wait(10)
        if self.cancelled:
            self.cancelled = False
            return "stopped"
        for _ in range(count):
            said = self._once(motion)
            if said:
                return said
        return ""

    def go_to(self, text: str) -> str:
        """Steps, indices, shares and the end; addresses as they are shown."""
        if text == "end":
            self.index = self.total - 1
        elif text.startswith("#") and text[1:].isdecimal() and 0 <= int(text[1:]) < self.total:
            self.index = int(text[1:])
        elif text.endswith("%") and text[:-1].isdecimal() and int(text[:-1]) <= 100:
            self.index = (self.total - 1) * int(text[:-1]) // 100
        elif text in (names := [self.address(at) for at in range(self.total)]):
            self.index = names.index(text)
        else:
            return f"no step {text!r}: try 3, #120, 1:forward:2:h, 50% or end"
        return ""

    def spot_named(self, text: str) -> None:
        """Its numbers have no names."""

    def cell_named(self, text: str) -> str:
        """Nor causes."""
        return "a made-up number has no cause"

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands."""
        return self.index, self.shown, 0

    def return_to(self, place: tuple[int, int, int]) -> str:
        """Back to a place."""
        self.index, self.shown, _ = place
        return ""

    def cell_at(self, spot: tuple[str, str, int, int]) -> Cell | str:
        """These numbers have no cause."""
        return "a made-up number has no cause"

    def spot_of(self, cell: Cell) -> None:
        """Nothing is explained, so nothing is found."""

    def why(self, cell: Cell) -> Why | str:
        """These numbers have no cause."""
        return "a made-up number has no cause"

    def flow(self) -> tuple[Flow | str, tuple[Horizon, ...]]:
        """Nothing flows."""
        return "there is no loss, so no gradient flows", ()

    def derivation(self) -> tuple[Section, ...]:
        """One section."""
        return (Section("made up", (self.address(self.index),)),)

    def shapes(self) -> str:
        """A shape."""
        return "[4]"

    def look_ahead(self) -> None:
        """Nothing takes long here."""

    def cancel(self) -> None:
        """Let a waiting move go, with nothing done."""
        if not self.gate.is_set():
            self.cancelled = True
            self.gate.set()

    def marks(self) -> tuple[tuple[str, str, str], ...]:
        """All marks in time."""
        return tuple((self.address(at), *self.marked[at]) for at in sorted(self.marked))

    def places(self) -> tuple[Found, ...]:
        """The equations, and the marks."""
        return (
            *(Found(name, f"1:forward:2:{name}", "this equation") for name in EQUATIONS),
            *(Found(f"◆ {name}", address, note) for address, name, note in self.marks()),
        )

    def continued(self, text: str) -> tuple[Found, ...]:
        """None."""
        return ()

    def add_mark(self, name: str, note: str = "") -> str:
        """Mark this step."""
        self.marked[self.index] = (name, note)
        self.unsaved = True
        return ""

    def document(self, format: str) -> str:
        """The format and the address."""
        return f"{format} {self.address(self.index)}"

    @property
    def origin(self) -> str:
        """A name."""
        return "fake"

    @property
    def own(self) -> tuple[int, int]:
        """Its marks."""
        return 0, len(self.marked)

    def write_copy(self, path: Path) -> None:
        """A file that says nothing."""
        path.write_text("{}", encoding="utf-8")

    def spot_to_set(self, name: str) -> tuple[str, str, int, int] | str:
        """All of its numbers are in the panes."""
        return f"{name} is in no pane"

    def can_set(self, snapshot: Snapshot, spot: tuple[str, str, int, int]) -> bool:
        """Any number."""
        return True

    def edit_prompt(self, spot: tuple[str, str, int, int]) -> Prompt | str:
        """Any number can be asked for."""
        return Prompt(f"Set {spot[1]}", "0.25", "a number")

    def edit_refused(self, spot: tuple[str, str, int, int], text: str) -> str:
        """These numbers stay as they are."""
        return "a made-up number stays as it is"

    def edit(self, spot: tuple[str, str, int, int], text: str) -> str:
        """These numbers stay as they are."""
        return "a made-up number stays as it is"

    def undo(self) -> str:
        """Nothing is done."""
        return "nothing to undo"

    def redo(self) -> str:
        """Nothing is undone."""
        return "nothing to redo"

    def edits(self) -> tuple[tuple[str, str, str], ...]:
        """None."""
        return ()

    def save(self, path: str | None = None) -> str:
        """Remember what would be written."""
        self.saved.append(path)
        self.path, self.unsaved = path or self.path, False
        return self.path or ""

    # the run

    @property
    def per_iteration(self) -> int:
        """Steps of one iteration."""
        return 2 * self.T * len(EQUATIONS) + len(PARAMETERS)

    @property
    def total(self) -> int:
        """Steps of the run."""
        return self.iterations * self.per_iteration

    def where(self, index: int) -> tuple[int, str, int | None, str]:
        """(iteration, phase, t, equation or parameter) of an index."""
        iteration, rest = divmod(index, self.per_iteration)
        pass_steps = self.T * len(EQUATIONS)
        if rest < pass_steps:
            return iteration + 1, "forward", rest // len(EQUATIONS) + 1, EQUATIONS[rest % len(EQUATIONS)]
        rest -= pass_steps
        if rest < pass_steps:
            return (
                iteration + 1,
                "backward",
                self.T - rest // len(EQUATIONS),
                EQUATIONS[::-1][rest % len(EQUATIONS)],
            )
        return iteration + 1, "update", None, PARAMETERS[rest - pass_steps]

    def address(self, index: int) -> str:
        """The address of an index."""
        iteration, phase, t, name = self.where(index)
        return f"{iteration}:{phase}:{t}:{name}" if t is not None else f"{iteration}:update:{name}:w"

    def _once(self, motion: str) -> str:
        word, back = motion.removesuffix("_back").removesuffix("_next"), motion.endswith("_back")
        sign = -1 if back else 1
        if word in ("home", "end"):
            self.index = 0 if word == "home" else self.total - 1
            return ""
        if word == "sequence":
            self.shown = (self.shown - 1 + sign) % self.batch + 1
            return "" if self.batch > 1 else "there is one sequence only"
        if word == "mark":
            found = [at for at in sorted(self.marked, reverse=back) if (at - self.index) * sign > 0]
            if not found:
                return "no mark that way"
            self.index = found[0]
            return ""
        here = self.where(self.index)
        target = self.index + sign
        if word == "time":
            target = self.index + sign * len(EQUATIONS)
            if not 0 <= target < self.total or self.where(target)[1] != here[1] or here[1] == "update":
                return "no more time steps that way in this phase"
        elif word in ("phase", "iteration"):
            part = 0 if word == "iteration" else 1
            while 0 <= target < self.total and self.where(target)[part] == here[part]:
                target += sign
        if not 0 <= target < self.total:
            return "already at the last step" if sign > 0 else "already at the first step"
        self.index = target
        return ""

    def _compute(self) -> None:
        p, H, V, T = self.parameters, self.H, self.V, self.T
        self.a, self.h = np.zeros((T, H)), np.zeros((T + 1, H))
        self.z, self.p, self.loss = np.zeros((T, V)), np.zeros((T, V)), np.zeros((T, 1))
        for t in range(T):
            self.a[t] = p["W_xh"][:, self.inputs[t]] + p["W_hh"] @ self.h[t] + p["b_h"][:, 0]
            self.h[t + 1] = np.tanh(self.a[t])
            self.z[t] = p["W_hy"] @ self.h[t + 1] + p["b_y"][:, 0]
            e = np.exp(self.z[t] - self.z[t].max())
            self.p[t] = e / e.sum()
            self.loss[t] = -np.log(self.p[t, self.targets[t]])
        self.dz = self.p.copy()
        self.dz[np.arange(T), self.targets] -= 1
        self.dh, self.da = np.zeros((T, H)), np.zeros((T, H))
        carried = np.zeros(H)
        for t in range(T - 1, -1, -1):
            self.dh[t] = p["W_hy"].T @ self.dz[t] + carried
            self.da[t] = self.dh[t] * (1 - self.h[t + 1] ** 2)
            carried = p["W_hh"].T @ self.da[t]
        x = np.eye(V)[self.inputs]
        self.totals = {
            "W_xh": self.da.T @ x, "W_hh": self.da.T @ self.h[:-1], "b_h": self.da.sum(0)[:, None],
            "W_hy": self.dz.T @ self.h[1:], "b_y": self.dz.sum(0)[:, None],
        }  # fmt: skip

    # the view

    def _over_time(
        self, key: str, values: Array, columns: Sequence[str], name: str, phase: str, first: int = 1
    ) -> Matrix:
        _, now, t, equation = self.where(self.index)
        rows = len(values)
        known, written = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
        at = None if t is None else t - first
        if first == 0:
            known[0] = True
        for row in range(1 - first, rows):
            t_row = row + first
            if now == phase and t is not None:
                order = EQUATIONS if phase == "forward" else EQUATIONS[::-1]
                ahead = t_row < t if phase == "forward" else t_row > t
                known[row] = ahead or (t_row == t and order.index(name) <= order.index(equation))
            else:
                known[row] = ("forward", "backward", "update").index(now) > ("forward", "backward").index(
                    phase
                )
        if now == phase and equation == name and at is not None:
            written[at] = True
        labels = tuple(str(row + first) for row in range(rows))
        return Matrix(
            key, values, labels, tuple(columns), known=known, written=written, current=at, kind="over time"
        )

    def _snapshot(self) -> Snapshot:
        iteration, phase, t, name = self.where(self.index)
        units = tuple(map(str, range(self.H)))
        at = None if t is None else t - 1
        steps = tuple(str(step + 1) for step in range(self.T))
        labels = {
            "W_xh": (units, self.tokens), "W_hh": (units, units), "b_h": (units, ("",)),
            "W_hy": (self.tokens, units), "b_y": (self.tokens, ("",)),
        }  # fmt: skip
        weights = tuple(
            Matrix(
                key, value, *labels[key], note="frozen" if key.startswith("b") else "",
                written=np.ones(value.shape, bool) if phase == "update" and name == key else None,
            )
            for key, value in self.parameters.items()
        )  # fmt: skip
        x = Matrix(
            "x",
            np.array(self.inputs, float)[:, None],
            steps,
            ("",),
            tuple((self.tokens[at],) for at in self.inputs),
            current=at,
            kind="tokens",
        )
        y = Matrix(
            "y",
            np.array(self.targets, float)[:, None],
            steps,
            ("",),
            tuple((self.tokens[at],) for at in self.targets),
            current=at,
            kind="tokens",
        )
        p = self._over_time("p", self.p, self.tokens, "p", "forward")
        chosen = tuple(
            int(row.argmax()) if p.known is not None and p.known[i, 0] else None
            for i, row in enumerate(self.p)
        )
        p = Matrix(
            "p",
            p.values,
            p.rows,
            p.columns,
            known=p.known,
            written=p.written,
            current=p.current,
            target=tuple(self.targets),
            chosen=chosen,
            kind="over time",
        )
        flows = (
            self._over_time("∂h", self.dh, units, "h", "backward"),
            self._over_time("∂a", self.da, units, "a", "backward"),
        )
        hidden = (
            self._over_time("h", self.h, units, "h", "forward", 0),
            self._over_time("a", self.a, units, "a", "forward"),
        )
        ready = phase == "update"
        totals = tuple(
            Matrix(
                f"∂{key}",
                value,
                *labels[key],
                known=np.full(value.shape, ready),
                note="total" if ready else "",
            )
            for key, value in self.totals.items()
        )
        panes = {
            "inputs": (x, y), "weights": weights,
            "hidden": hidden,
            "output": (p, self._over_time("loss", self.loss, ("",), "loss", "forward")),
            "gradients": (*flows, *totals),
        }  # fmt: skip
        pass_steps = self.T * len(EQUATIONS)
        start = (iteration - 1) * self.per_iteration
        phases = (
            ("forward", start, pass_steps),
            ("backward", start + pass_steps, pass_steps),
            ("update", start + 2 * pass_steps, len(PARAMETERS)),
        )
        timeline = TimelineView(
            self.index, self.total, iteration, self.iterations, 1, 1, phase, phases, t, self.T, (1, self.T),
            tuple((at, mark[0]) for at, mark in sorted(self.marked.items())),
        )  # fmt: skip
        losses = tuple(5.3 * 0.88**k for k in range(iteration - (phase == "forward")))
        return Snapshot(
            self.title, self.address(self.index), name, panes,
            {name: name for name in PANES} | {"hidden": "hidden state h", "output": "output p"},
            self._formula(phase, t, name), self._narration(phase, t, name), self.marked.get(self.index, ("", ""))[1],
            timeline, losses, (self.shown, self.batch),
        )  # fmt: skip

    def _formula(self, phase: str, t: int | None, name: str) -> Formula:
        if phase == "update" or t is None:
            return Formula("w = w[i-1] - learning_rate * g", (f"{name} - 0.1 * ∂{name}",), "")
        if phase == "backward":
            return Formula("∂a = ∂h * (1 - h**2)", ("0.1234 * (1 - 0.4621**2)",), "= 0.0970")
        if name == "h":
            numbers = ", ".join(f"{value:.4f}" for value in self.a[t - 1][:6])
            result = ", ".join(f"{value:.4f}" for value in self.h[t][:6])
            return Formula(SYMBOLS["h"], (f"tanh([{numbers}])", "tanh(…)"), f"= [{result}]")
        return Formula(
            SYMBOLS[name],
            ("[0.5000, -0.3000] + [0.2000, 0.1000] + [0.0000, 0.0000]", "…"),
            "= [0.7000, -0.2000]",
        )

    def _narration(self, phase: str, t: int | None, name: str) -> tuple[str, ...]:
        where = f"at time step {t}" if t is not None else "after the whole window"
        return (
            f"The {phase} pass computes {name} {where}, from what stands to its right in the equation above.",
            f"{phase}: {name} {where}.",
        )
