"""Generation: the trained recurrence writes on, each output drawn and fed back as the next input.

Each time step is a window of length one, so the output's head is part of the loop without being told.
The draw uses raw bits of PCG64, which NumPy keeps stable between its releases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.core.operation import Array
from rnn_engine.core.passes import forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.errors import EngineError


@dataclass(frozen=True, eq=False)
class Generated:
    """One tape of length one per time step; per time step the token that was drawn, None where the prompt forces it."""

    tapes: tuple[Tape, ...]
    inputs: tuple[int, ...]
    draws: tuple[int | None, ...]


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

    @property
    def T(self) -> int:
        """The number of time steps: the last token of the prompt makes the first draw."""
        return len(self.prompt) + self.length - 1

    def run(self, parameters: Mapping[str, Array], initial: Mapping[str, Array]) -> Generated:
        """Generate from the given weights and initial states `[d, 1, n]`."""
        program = self.plan.program
        size = program.shapes[program.output][0]
        own = {name: parameters[name] for name in program.parameters}
        state = {name: values for name, values in initial.items() if name in program.delays}
        tokens, tapes = list(self.prompt), []
        draws: list[int | None] = []
        uniform = _uniform(self.seed)
        for place in range(self.T):
            token = np.array([[tokens[place]]])
            x = Signal(np.eye(size)[token], (size,), token)
            tape = forward(self.plan, own, x, None, T=1, B=1, initial=state, start=place)
            state = {name: tape.final(name) for name in program.delays}
            tapes.append(tape)
            if place < len(self.prompt) - 1:
                draws.append(None)
                continue
            p = tape.value(program.output)[0, 0]
            drawn = int(np.argmax(p)) if self.greedy else draw(p, next(uniform), self.temperature, self.top_k)
            draws.append(drawn)
            tokens.append(drawn)
        return Generated(tuple(tapes), tuple(tokens[: self.T]), tuple(draws))


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
    return Generator(make_plan(free), tuple(prompt), length, greedy, temperature, top_k, seed)


def draw(p: Array, u: float, temperature: float, top_k: int | None) -> int:
    """The token at u (0 ≤ u < 1) of the distribution p^(1/temperature), cut to the k most likely and renormalised.

    Where two are equally likely the first counts as the likelier one.
    """
    with np.errstate(divide="ignore"):
        logits = np.log(p) / temperature
    order = np.argsort(-logits, kind="stable")[:top_k]
    weights = np.exp(logits[order] - logits[order[0]])
    cumulative = np.cumsum(weights)
    return int(order[min(np.searchsorted(cumulative, u * cumulative[-1], side="right"), len(order) - 1)])


def _uniform(seed: int) -> Iterator[float]:
    """Numbers from 0 up to 1 out of the upper 53 bits of PCG64's raw output."""
    bits = np.random.PCG64(seed)
    while True:
        yield float(int(bits.random_raw()) >> 11) * 2.0**-53
