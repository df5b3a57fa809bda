"""Gradients against central differences: (L(w + eps) − L(w − eps)) / 2 eps for every number of every parameter.

The differences are taken in float64 whatever the run is made of: in float32 little would be left of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnn_engine.core.operation import Array
from rnn_engine.session import Session
from rnn_engine.training import Iteration

EPS = 1e-5
SURE = 1e-7
"""A relative difference below this needs no second look."""
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}
"""Relative, in the norm over all parameters. Right gradients come out near 1e-9 (in float32 near 1e-6), wrong ones
near 1."""


class GradientCheck(NamedTuple):
    """`relative` is ‖a − n‖ / max(‖a‖, ‖n‖) over all parameters together, a ours and n by differences."""

    relative: float
    parameters: int
    compared: int
    tolerance: float = TOLERANCE["float64"]

    @property
    def agrees(self) -> bool:
        """Whether the gradients are right."""
        return self.relative <= self.tolerance


def check_gradients(session: Session, eps: float = EPS, most: int = 2000) -> GradientCheck | None:
    """Check the gradients of the first iteration that has a loss. None where there is none.

    At most `most` numbers are compared, spread evenly over all parameters. Where the loss is curved too
    sharply for `eps`, a smaller one is tried as well: a wrong gradient passes neither.
    """
    run = session.run
    if "loss" not in run.plan.program.equations or not run.plan.program.parameters:
        return None
    iteration = run.iteration(run.first())
    while not run.weights(iteration.tape).any():
        if run.schedule.ends_epoch(iteration.number) or iteration.number == run.schedule.iterations:
            return None
        iteration = run.iteration(iteration.after)
    found = _compare(iteration, eps, most)
    return found if found.relative < SURE else min(found, _compare(iteration, eps / 10, most), key=_relative)


def _relative(check: GradientCheck) -> float:
    return check.relative


def _compare(iteration: Iteration, eps: float, most: int) -> GradientCheck:
    analytic = {name: np.asarray(g) for name, g in iteration.gradients.items()}
    size = sum(g.size for g in analytic.values())
    chosen = np.unique(np.linspace(0, size - 1, min(size, most)).astype(int))
    flat = np.concatenate([g.ravel() for g in analytic.values()])[chosen]
    numeric = np.array([_difference(iteration, analytic, int(k), eps) for k in chosen])
    scale = max(float(np.linalg.norm(flat)), float(np.linalg.norm(numeric)))
    relative = float(np.linalg.norm(flat - numeric)) / scale if scale else 0.0
    return GradientCheck(relative, len(analytic), len(chosen), TOLERANCE[iteration.run.dtype])


def _difference(iteration: Iteration, gradients: Mapping[str, Array], k: int, eps: float) -> float:
    """The central difference for number k, counted through all parameters."""
    names = iter(gradients)
    name = next(names)
    while k >= gradients[name].size:
        k -= gradients[name].size
        name = next(names)
    values = []
    for sign in (1.0, -1.0):
        moved = np.array(iteration.before.parameters[name], np.float64)
        moved.reshape(-1)[k] += sign * eps
        values.append(_objective(iteration, {**iteration.before.parameters, name: moved}))
    return (values[0] - values[1]) / (2 * eps)


def _objective(iteration: Iteration, parameters: Mapping[str, Array]) -> float:
    tape = iteration.with_parameters(parameters, "float64")
    weights = iteration.run.weights(tape)
    return float(np.sum(np.where(weights == 0.0, 0.0, tape.value("loss")[:, :, 0]) * weights))
