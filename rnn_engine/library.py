"""The engine in a notebook: a recurrence from Python values, and its numbers by name.

An `Experiment` is a session that can be asked. Shapes, here as everywhere: T time steps of a window, B sequences,
n elements of a vector. Iterations and t count from 1, as in addresses; sequences and elements from 0, as in NumPy.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_engine.core.operation import Array
from rnn_engine.errors import EngineError
from rnn_engine.flow import Flow, Horizon, horizon, itemise
from rnn_engine.gradcheck import GradientCheck, check_gradients
from rnn_engine.precision import shortest
from rnn_engine.replay import FORMAT, VERSION, loads
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import plain_array
from rnn_engine.training import Iteration, RunStep, training_steps
from rnn_engine.why import Why, why

Floats = NDArray[np.float64]


class Experiment(Session):
    """A session and its run, which is computed as far as it is asked for. All arrays are copies."""

    _timeline: Timeline | None = None

    @classmethod
    def build(
        cls,
        equations: str | Sequence[str],
        parameters: Mapping[str, ArrayLike] | None = None,
        *,
        x: Any = None,
        y: Any = None,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, ArrayLike] | None = None,
        optimizer: Mapping[str, Any] | None = None,
        evaluate: bool = False,
        generation: Mapping[str, Any] | None = None,
        edits: Sequence[Mapping[str, Any]] = (),
        title: str = "",
        dtype: str = "float64",
        **training: Any,
    ) -> Experiment:
        """An experiment from Python values; what fits no replay file is refused as it is in one.

        Parameters
        ----------
        equations
            A text, or its lines. Comments and empty lines are left out before lines are counted.
        parameters
            By name: a scalar, `[n]` or `[m, n]`.
        x, y
            Inputs and targets: tokens or numbers `[T]`, vectors `[T, n]`, batches `[T, B, n]` (then targets may be
            `[T, B]`). None among the targets: no loss there.
        data
            Instead of x and y, as a file has it: `{"text": "hello"}`, `{"sequences": …, "batch": 4}`, `{"steps": 20}`;
            or beside them: `{"vocabulary": ["a", "b"]}`.
        initial
            What states start from: `{"h": [n] or [B, n]}`, `"h[-1]"` for an earlier one; zeros where absent.
        optimizer
            `{"name": "sgd", "learning_rate": 0.1}`, or `{"equations": […], …}` with the constants beside them.
        dtype
            What every number of the run is: `"float64"` or `"float32"`.
        edits
            Numbers set by hand, as in a file: `{"address": "3:forward:2:h", "index": [0], "value": 0.5}`.
        evaluate, generation, training
            As in a file: `iterations=50`, `window=10`, `clip={"kind": "norm", "limit": 5}`, `frozen=["b"]`, …
            Every member is described in docs/replay-format.md.

        Raises
        ------
        EngineError
            One line: what, where, what was expected (`EquationError`, `DataError` and `ReplayError` are such).
        """
        lines = equations.splitlines() if isinstance(equations, str) else equations
        document = {
            "format": FORMAT,
            "version": VERSION,
            "title": title,
            "dtype": dtype,
            "equations": [text for line in lines if (text := line.strip()) and not text.startswith("#")],
            "data": {**(data or {}), **_given(inputs=x, targets=y)},
            "parameters": _values(parameters, dtype),
            "initial": _values(initial, dtype),
            "evaluate": evaluate,
            "edits": list(edits),
            **_given(training=_given(optimizer=optimizer, **training) or None, generation=generation),
        }
        return cls(loads(json.dumps(document, default=partial(_plain, dtype)).encode()))

    @classmethod
    def load(cls, path: str | Path) -> Experiment:
        """Open a replay file. Raises `EngineError`, with the file's name in it."""
        opened = super().load(path)
        assert isinstance(opened, cls)
        return opened

    @property
    def timeline(self) -> Timeline:
        """The way to any iteration; going back is the nearest keyframe and recomputation."""
        if self._timeline is None or self._timeline.run is not self.run:
            self._timeline = Timeline(self.run)
        return self._timeline

    def steps(self) -> Iterator[RunStep]:
        """Every step of the run in order (`address`, `value` `[B, n]`); stop at any, keep it, go on."""
        return training_steps(self.run)

    def iteration(self, number: int = 1) -> Iteration:
        """One iteration, its passes computed when they are asked for. Raises `EngineError` where there is none."""
        if not 1 <= number <= self.schedule.iterations:
            raise EngineError(f"there is no iteration {number}; expected 1 to {self.schedule.iterations}")
        return self.timeline.iteration(number)

    @property
    def losses(self) -> Floats:
        """`[iterations]`: the objective of each, before its update; NaN where there is no loss. Runs to the end."""
        return np.array(self.timeline.losses(self.schedule.iterations))

    @property
    def generated(self) -> tuple[str, ...]:
        """The tokens drawn with the final parameters. Raises `EngineError` where the session generates nothing."""
        if self.run.generator is None or self.dataset.vocabulary is None:
            raise EngineError("this session generates nothing; expected a `generation`")
        drawn = self.timeline.ending().generated.draws
        return tuple(self.dataset.vocabulary[k] for k in drawn if k is not None)

    def parameters(self, iteration: int | None = None) -> dict[str, Floats]:
        """By name, in their shapes: what an iteration starts from; what the last one leaves, unless told."""
        found = self.iteration(self.schedule.iterations if iteration is None else iteration)
        frame = found.after if iteration is None else found.before
        return {name: np.array(value) for name, value in frame.parameters.items()}

    def values(self, name: str, iteration: int = 1) -> Floats:
        """An equation over the window of an iteration: `[T, B, n]`, a scalar `[T, B]`.

        NaN where it has no value (no target, sequence over). Raises `EngineError` for an unknown name.
        """
        _expect(name, self.program.equations)
        tape = self.iteration(iteration).tape
        found, gaps = np.array(tape.value(name)), tape.undefined(name)
        if gaps is not None:
            found[gaps] = np.nan
        return self._shaped(name, found)

    def gradients(self, name: str, iteration: int = 1) -> Floats:
        """∂objective/∂name over the window: of an equation as `values`, of a parameter in its shape, before clipping.

        Raises `EngineError` where no way back leads to the name.
        """
        found, stops = self.iteration(iteration), [n for _, names in self.schedule.backward for n in names]
        _expect(name, [*stops, *(self.run.parameters if stops else ())])
        totals = found.gradients
        return np.array(totals[name]) if name in totals else self._shaped(name, found.tape.gradient(name))

    def check(self, eps: float = 1e-5) -> GradientCheck | None:
        """The gradients against central differences of width 2 · eps; None where there is no loss."""
        return check_gradients(self, eps)

    def why(self, address: str, cell: str, sequence: int = 0) -> Why:
        """The terms of one number: `why("1:backward:3:h", "dh[0]")`. Raises `AddressError`."""
        return why(self, self.timeline, parse_cell(self, self.timeline, address, cell, sequence))

    def flow(self, iteration: int = 1, sequence: int = 0) -> Flow | None:
        """The gradient itemised by loss, `map` `[T, T]`; None where there is no loss or no state."""
        return itemise(self.iteration(iteration), sequence)

    def horizon(self, iteration: int = 1, state: str | None = None, sequence: int = 0) -> Horizon | None:
        """How far a state remembers: ‖∂h_T/∂h_k‖₂, `norms` `[T]`; of one that is read from `[t+k]` ‖∂h_1/∂h_k‖₂."""
        return horizon(self.iteration(iteration), state, sequence)

    def _shaped(self, name: str, values: Array) -> Floats:
        return np.array(values if self.program.shapes[name] else values[..., 0])


def _expect(name: str, known: Collection[str]) -> None:
    if name not in known:
        raise EngineError(f"there is no {name!r}; expected {', '.join(known) or 'nothing without a loss'}")


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _values(values: Mapping[str, ArrayLike] | None, dtype: str) -> dict[str, Any]:
    """Parameters or states as a file has them; what is not finite as a string."""
    try:
        return {
            name: plain_array(_written(np.asarray(value), dtype)) for name, value in (values or {}).items()
        }
    except (TypeError, ValueError) as error:
        raise EngineError(f"parameters and initial states: {error}; expected numbers") from None


def _written(values: NDArray[Any], dtype: str) -> Floats:
    """Numbers as float64. Where the run has float32 as they do, with the decimals of float32: both read alike."""
    return np.asarray(shortest(values) if dtype == "float32" else values, np.float64)


def _plain(dtype: str, value: Any) -> Any:
    """What JSON does not know: arrays as nested lists."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return (_written(array, dtype) if array.dtype.kind == "f" else array).tolist()
    raise EngineError(f"{value!r}; expected numbers, strings, lists, arrays")
