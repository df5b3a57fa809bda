"""Time travel: any step of the run, from anywhere, under a memory budget.

Inside an iteration everything is on its tape. Between iterations only weights, optimiser state and
carried state change, so a keyframe is kept before some of them: every one at first, then every
second, fourth, … as the budget fills. Going back further is the nearest keyframe and recomputation,
which gives the same bits because it is the same computation.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable

from rnn_engine.errors import EngineError
from rnn_engine.training import Ending, Iteration, Keyframe, Run

DEFAULT_BUDGET = 64 * 2**20
KEPT_ITERATIONS = 4


class Cancelled(EngineError):
    """A long way through time was stopped on request."""


class Timeline:
    """The iterations of a run, computed on demand. `budget` is in bytes, for keyframes."""

    def __init__(self, run: Run, budget: int = DEFAULT_BUDGET) -> None:
        self.run, self.budget = run, budget
        first = run.first()
        self._keyframes = {1: first}
        self._furthest = 1
        self._stride = 1
        self._bytes = 0
        self._recent: OrderedDict[int, Iteration] = OrderedDict()
        self._ending: Ending | None = None
        self._losses = array("d")
        self._sums: dict[str, array[float]] = {name: array("d") for name in run.scalars}

    def fork(self, run: Run, first: int) -> Timeline:
        """The timeline of a run that differs from this one from iteration `first` on: what is before that stays."""
        other = Timeline(run, self.budget)
        other._keyframes = {k: frame for k, frame in self._keyframes.items() if k <= first}
        other._furthest, other._stride = max(other._keyframes), self._stride
        other._bytes = sum(frame.nbytes for k, frame in other._keyframes.items() if k != 1)
        other._recent = OrderedDict((k, found) for k, found in self._recent.items() if k < first)
        other._losses = self._losses[: first - 1]
        other._sums = {name: sums[: first - 1] for name, sums in self._sums.items()}
        return other

    def iteration(self, number: int, stop: Callable[[], bool] | None = None) -> Iteration:
        """An iteration, 1 … `schedule.iterations`. `stop` is asked on the way; True raises `Cancelled`."""
        if number in self._recent:
            self._recent.move_to_end(number)
            return self._recent[number]
        current = self.run.iteration(self._nearest(number))
        while current.number < number:
            if stop is not None and stop():
                raise Cancelled(f"stopped at iteration {current.number}")
            current = self.run.iteration(self._leave(current))
        self._recent[number] = current
        while len(self._recent) > KEPT_ITERATIONS:
            self._recent.popitem(last=False)
        return current

    def ending(self, stop: Callable[[], bool] | None = None) -> Ending:
        """What follows the last iteration."""
        if self._ending is None:
            last = self.iteration(self.run.schedule.iterations, stop)
            self._ending = self.run.ending(self._leave(last))
        return self._ending

    def distance(self, number: int) -> int:
        """How many iterations must be computed on the way to this one: 0 where it is at hand."""
        return (
            0
            if number in self._recent or number - 1 in self._recent
            else number - self._keyframe(number).iteration
        )

    def losses(self, number: int, stop: Callable[[], bool] | None = None) -> array[float]:
        """The objective of the iterations 1 … number."""
        while len(self._losses) < number:
            self._note_loss(self.iteration(len(self._losses) + 1, stop))
        return self._losses[:number]

    def sums(self, name: str, first: int, last: int) -> list[float]:
        """A scalar's sum over time in each of the iterations first … last."""
        self.losses(last)
        return self._sums[name][first - 1 : last].tolist()

    def _nearest(self, number: int) -> Keyframe:
        recent = self._recent.get(number - 1)
        return self._keyframe(number) if recent is None else self._leave(recent)

    def _keyframe(self, number: int) -> Keyframe:
        """The last keyframe that is not behind an iteration."""
        at = min(number, self._furthest)
        at -= (at - 1) % self._stride
        while at not in self._keyframes:
            at -= self._stride
        return self._keyframes[at]

    def _leave(self, iteration: Iteration) -> Keyframe:
        """The keyframe behind an iteration, kept where the stride says so."""
        self._note_loss(iteration)
        after = iteration.after
        if (after.iteration - 1) % self._stride == 0 and after.iteration not in self._keyframes:
            self._keyframes[after.iteration] = after
            self._furthest = max(self._furthest, after.iteration)
            self._bytes += after.nbytes
            while self._bytes > self.budget and len(self._keyframes) > 1:
                self._thin()
        return after

    def _thin(self) -> None:
        """Keep every second keyframe; the first always stays."""
        self._stride *= 2
        kept = {k: frame for k, frame in self._keyframes.items() if (k - 1) % self._stride == 0}
        self._keyframes = kept
        self._bytes = sum(frame.nbytes for k, frame in kept.items() if k != 1)

    def _note_loss(self, iteration: Iteration) -> None:
        if iteration.number == len(self._losses) + 1:
            self._losses.append(iteration.objective)
            for name, sums in self._sums.items():
                sums.append(iteration.totals[name]["sum"])
