"""Generation: the trained recurrence writes on, each output drawn and fed back as the next input.

Each time step is a window of length one, so the output's head is part of the loop without being told.
The draw uses raw bits of PCG64, which NumPy keeps stable between its releases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rnn_engine.byhand import Overrides
from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.core.operation import Array
from rnn_engine.core.passes import forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.errors import EngineError


@dataclass(frozen=True, eq=False)
class Generated:
    """What was read and drawn at every time step; None where the prompt forces the next token."""

    generator: Generator
    parameters: Mapping[str, Array]
    states: tuple[Mapping[str, Array], ...]
    """What each time step started from, `[d, 1, n]` per state."""
    inputs: tuple[int, ...]
    draws: tuple[int | None, ...]
    overrides: tuple[Overrides | None, ...]
    """What is set by hand at every time step."""

    def __len__(self) -> int:
        return len(self.inputs)

    def tape(self, place: int) -> Tape:
        """One time step (from 0), computed again: the same calls on the same numbers, so the same bits."""
        return self.generator.step(
            self.parameters, self.states[place], self.inputs[place], place, self.overrides[place]
        )

    def chance(self, place: int) -> float:
        """The number from 0 up to 1 that decided the draw at a time step (from 0) behind the prompt."""
        before = place - len(self.generator.prompt) + 1
        return next(islice(_uniform(self.generator.seed), before, None))

    def values(self, name: str) -> Array:
        """`[T, n]`: an equation's value at every time step."""
        return np.array([self.tape(place).value(name)[0, 0] for place in range(len(self))])


@dataclass(frozen=True, eq=False)
class Generator:
    """How to generate: the equations that need no target, the prompt, the draw."""

    plan: Plan
    prompt: tuple[int, ...]
    length: int
    greedy: bool
    temperature: float
    top_k: int | None
    seed: int
    dtype: str = "float64"

    @property
    def how(self) -> str:
        """How a token is chosen, in words."""
        output = self.plan.program.output
        if self.greedy:
            return f"the most likely token of {output}"
        heat = f" at temperature {self.temperature:g}" if self.temperature != 1.0 else ""
        few = self.top_k is not None and self.top_k < self.plan.program.shapes[output][0]
        return f"a token drawn from {output}{heat}{f' among the {self.top_k} likeliest' if few else ''}"

    @property
    def T(self) -> int:
        """The number of time steps: the last token of the prompt makes the first draw."""
        return len(self.prompt) + self.length - 1

    def run(
        self,
        parameters: Mapping[str, Array],
        initial: Mapping[str, Array],
        by_hand: Callable[[int], Overrides | None] = lambda place: None,
    ) -> Generated:
        """Generate from the given weights and initial states `[d, 1, n]`; `by_hand`: what is set at a place."""
        program = self.plan.program
        own = {name: parameters[name] for name in program.parameters}
        states = [{name: values for name, values in initial.items() if name in program.delays}]
        tokens = list(self.prompt)
        draws: list[int | None] = []
        overrides = tuple(by_hand(place) for place in range(self.T))
        uniform = _uniform(self.seed)
        for place in range(self.T):
            tape = self.step(own, states[-1], tokens[place], place, overrides[place])
            states.append({name: tape.final(name).copy() for name in program.delays})
            if place < len(self.prompt) - 1:
                draws.append(None)
                continue
            p = tape.value(program.output)[0, 0]
            drawn = int(np.argmax(p)) if self.greedy else draw(p, next(uniform), self.temperature, self.top_k)
            draws.append(drawn)
            tokens.append(drawn)
        return Generated(self, own, tuple(states[: self.T]), tuple(tokens[: self.T]), tuple(draws), overrides)

    def step(
        self,
        parameters: Mapping[str, Array],
        state: Mapping[str, Array],
        token: int,
        place: int,
        overrides: Overrides | None = None,
    ) -> Tape:
        """One time step from a state `[d, 1, n]`, with a token for input."""
        size = (self.plan.program.x or (1,))[0]
        classes = np.array([[token]])
        x = Signal(np.eye(size)[classes], (size,), classes)
        return forward(
            self.plan,
            parameters,
            x,
            None,
            T=1,
            B=1,
            initial=state,
            start=place,
            overrides=overrides,
            dtype=self.dtype,
        )


def make_generator(
    lines: Sequence[str],
    program: Program,
    prompt: Sequence[int],
    vocabulary: int,
    *,
    length: int,
    greedy: bool,
    temperature: float,
    top_k: int | None,
    seed: int,
    dtype: str = "float64",
) -> Generator:
    """Compile what generation needs of a program. Raises `EngineError` where it cannot feed itself."""
    kept = [e.source for name, e in program.equations.items() if name not in program.reads_target]
    if any(name in program.reads_target for name in program.states):
        raise EngineError(
            "generation: a state depends on the targets, and there are none; expected a free recurrence"
        )
    if program.leads:
        raise EngineError("generation: the text reads later time steps, which do not exist yet")
    if not kept:
        raise EngineError("generation: every equation depends on the targets")
    used = {
        read.name: program.parameters[read.name]
        for name, e in program.equations.items()
        if name not in program.reads_target
        for read in e.reads
        if read.kind == "parameter"
    }
    initial = {name: program.shapes[name] for name in program.delays}
    free = compile_equations(kept, used, x=program.x, initial=initial)
    output = free.equations[free.output]
    if output.root.operation.name != "softmax" or free.shapes[free.output] != (vocabulary,):
        raise EngineError(
            f"generation: no equation is a softmax over the {vocabulary} tokens; expected one such as p = softmax(z)"
        )
    return Generator(make_plan(free), tuple(prompt), length, greedy, temperature, top_k, seed, dtype)


def draw(p: Array, u: float, temperature: float, top_k: int | None) -> int:
    """The token at u (0 ≤ u < 1) of the distribution p^(1/temperature), cut to the k most likely and renormalised.

    Where two are equally likely the first counts as the likelier one. Drawn in float64, whatever p is made of.
    """
    order, chances = ranked(p, temperature, top_k)
    cumulative = np.cumsum(chances)
    place = int(np.searchsorted(cumulative, u, side="right"))
    return int(order[min(place, len(order) - 1)])


def ranked(p: Array, temperature: float, top_k: int | None) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The tokens that may be drawn, the likeliest first, and the chance of each: they sum to 1."""
    with np.errstate(all="ignore"):  # no chance, and NaN that nothing can be drawn from
        logits = np.log(p, dtype=np.float64)
        order = np.argsort(-logits, kind="stable")[:top_k]
        weights = np.exp((logits[order] - logits[order[0]]) / temperature)
        chances: NDArray[np.float64] = weights / weights.sum()
    return order, chances


def _uniform(seed: int) -> Iterator[float]:
    """Numbers from 0 up to 1 out of the upper 53 bits of PCG64's raw output."""
    bits = np.random.PCG64(seed)
    while True:
        yield float(int(bits.random_raw()) >> 11) * 2.0**-53
