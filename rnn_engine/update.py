"""The update: for each parameter w with gradient g, a recurrence over iterations i in the same language.

    w = w[i-1] - learning_rate * g

It runs on the core as any recurrence does, with a window of one time step. A parameter counts as one
long vector; where every operation is element-wise all parameters run as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_engine import texts
from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.core.language import Apply, walk
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.passes import forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Tape
from rnn_engine.errors import EngineError, EquationError
from rnn_engine.precision import check_constants, rounded

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "adagrad": {"epsilon": 1e-10},
    "rmsprop": {"rho": 0.99, "epsilon": 1e-8},
    "adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    "adamw": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
}
"""The constants of the optimisers that have a usual value (PyTorch's); `learning_rate` has none."""

CLIP_BY = {
    "value": "g = clip(gradient, -limit, limit)",
    "norm": "g = gradient * min(1, limit / (norm + 1e-6))",
}

State = tuple[Mapping[str, Array], ...]
"""Per group of parameters: the optimiser's states, `[d, 1, size]`, oldest first."""


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters that are updated as one vector: (name, slice of the vector, shape)."""

    members: tuple[tuple[str, slice, Shape], ...]
    size: int
    plan: Plan


@dataclass(frozen=True, eq=False)
class Update:
    """The update of one iteration, computed: new parameters, new state, and all values on the way."""

    rule: UpdateRule
    parameters: Mapping[str, Array]
    state: State
    tapes: tuple[Tape, ...]
    before: Mapping[str, Array]

    def value(self, parameter: str, equation: str) -> Array:
        """The value of an update equation for one parameter, in its shape (scalar equations: a scalar)."""
        if parameter in self.rule.frozen:
            return self.before[parameter]
        group, tape, (_, part, shape) = self._find(parameter)
        value: Array = tape.value(equation)[0, 0]
        if group.plan.program.shapes[equation] == ():
            return np.reshape(value, ())
        return np.reshape(value[part], shape)

    def tape(self, parameter: str) -> tuple[Tape, slice]:
        """The tape on which a parameter's update was computed, and its part of the vector."""
        _, tape, (_, part, _) = self._find(parameter)
        return tape, part

    def _find(self, parameter: str) -> tuple[Group, Tape, tuple[str, slice, Shape]]:
        for group, tape in zip(self.rule.groups, self.tapes, strict=True):
            for member in group.members:
                if member[0] == parameter:
                    return group, tape, member
        raise KeyError(parameter)


@dataclass(frozen=True, eq=False)
class UpdateRule:
    """An optimiser, compiled for a set of parameters."""

    equations: tuple[str, ...]
    """The names of its stops, clipping first."""
    lines: tuple[str, ...]
    constants: Mapping[str, float]
    groups: tuple[Group, ...]
    frozen: frozenset[str]
    dtype: str = "float64"

    def first_state(self) -> State:
        """Zeros: nothing has been seen yet."""
        return tuple(
            {
                name: np.zeros((delay, 1, group.size if group.plan.program.shapes[name] else 1), self.dtype)
                for name, delay in group.plan.program.delays.items()
                if name != "w" or delay > 1
            }
            for group in self.groups
        )

    def follow(self, state: State, parameters: Mapping[str, Array]) -> State:
        """The optimiser's state where parameters were set by hand: what reads w[i-1] further back reads the new one."""
        followed = []
        for group, values in zip(self.groups, state, strict=True):
            if "w" in values:
                w = values["w"].copy()
                w[-1, 0] = _flat(group, parameters)
                values = {**values, "w": w}
            followed.append(values)
        return tuple(followed)

    def run(
        self, i: int, parameters: Mapping[str, Array], gradients: Mapping[str, Array], state: State
    ) -> Update:
        """Update every parameter in iteration i."""
        new, tapes, states = dict(parameters), [], []
        with np.errstate(all="ignore"):
            norm = np.sqrt(sum(np.sum(np.square(gradients[m[0]])) for g in self.groups for m in g.members))
        for group, before in zip(self.groups, state, strict=True):
            program = group.plan.program
            given: dict[str, Array] = {name: np.array(value) for name, value in self.constants.items()}
            given["norm"] = np.array(norm)
            given["g"] = given["gradient"] = _flat(group, gradients)
            initial = dict(before)
            delay = program.delays.get("w", 0)
            if delay == 1 or (delay and i == 1):  # before the first iteration w always was what it is
                initial["w"] = np.broadcast_to(_flat(group, parameters), (delay, 1, group.size))
            tape = forward(
                group.plan,
                {name: given[name] for name in program.parameters},
                None,
                None,
                T=1,
                B=1,
                initial=initial,
                start=i - 1,
                dtype=self.dtype,
            )
            tapes.append(tape)
            states.append({name: tape.final(name).copy() for name in before})
            w = tape.value("w")[0, 0].copy()  # a keyframe that holds it must not hold the tape
            for name, part, shape in group.members:
                new[name] = w[part].reshape(shape)
        return Update(self, new, tuple(states), tuple(tapes), parameters)


def compile_update(
    lines: Sequence[str],
    constants: Mapping[str, float],
    clip: tuple[str, float] | None,
    parameters: Mapping[str, Shape],
    frozen: frozenset[str],
    dtype: str = "float64",
) -> UpdateRule:
    """Check an update text for a set of parameters. Raises `EquationError`.

    `clip` is (kind, limit): `value` or `norm`. The text may use `g`, `norm`, `i` and its constants.
    """
    constants = dict(constants)
    lines = list(lines)
    if clip is not None:
        lines.append(
            CLIP_BY[clip[0]]
        )  # last, so that an error names the line of the text; it is needed first
        if "limit" in constants:
            raise EngineError("the constant 'limit' is that of the clipping; expected another name")
        constants["limit"] = clip[1]
    for name, value in constants.items():
        rounded(np.array(value), dtype, f"optimizer: {name}")
    trained = [(name, shape) for name, shape in parameters.items() if name not in frozen]
    try:
        program = _compile(lines, constants, clip is not None, 2)
        packed = _is_elementwise(program)
        groups = []
        for members in [trained] if packed and trained else [[member] for member in trained]:
            first, places = 0, []
            for name, shape in members:
                size = int(np.prod(shape, dtype=int))
                places.append((name, slice(first, first + size), shape))
                first += size
            program = _compile(lines, constants, clip is not None, first)
            check_constants(program, dtype)
            groups.append(Group(tuple(places), first, make_plan(program)))
    except EquationError as error:
        raise EngineError(f"optimizer: {error}") from None
    stops = tuple(name for _, names in program.order for name in names)
    return UpdateRule(stops, tuple(lines), constants, tuple(groups), frozen, dtype)


def optimizer_text(name: str) -> tuple[str, ...]:
    """The equations of an optimiser by name."""
    return texts.equations("optimizers", name)


def _compile(lines: Sequence[str], constants: Mapping[str, float], clipped: bool, size: int) -> Program:
    shapes: dict[str, Shape] = dict.fromkeys(constants, ())
    given = {"gradient" if clipped else "g": (size,), "norm": ()}
    for name in given:
        if name in shapes:
            raise EquationError(f"{name!r} is given by the session; expected another name for the constant")
    # what the text does not use (the norm, say) need not be there
    used = " ".join(lines)
    shapes |= {name: shape for name, shape in given.items() if _mentions(used, name)}
    initial = {"w": (size,)} if "w[" in used.replace(" ", "") else None
    program = compile_equations(lines, shapes, initial=initial, index="i")
    if "w" not in program.equations:
        raise EquationError("no equation gives `w`, the new parameter")
    if program.shapes["w"] != (size,):
        number = program.equations["w"].number
        raise EquationError("w must have one element for each of the parameter's", number, 1)
    if program.leads:
        raise EquationError(f"{next(iter(program.leads))}[i+…]: the next iteration is not known yet")
    return program


def _mentions(text: str, name: str) -> bool:
    return name in "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split()


def _is_elementwise(program: Program) -> bool:
    return all(
        expr.operation.elementwise and not (expr.operation.name in ("max", "min") and len(expr.args) == 1)
        for equation in program.equations.values()
        for expr in walk(equation.root)
        if isinstance(expr, Apply)
    )


def _flat(group: Group, values: Mapping[str, Array]) -> Array:
    return np.concatenate([np.ravel(values[name]) for name, _, _ in group.members])
