"""A hop of the gradient from one time step to another, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple


def ratio(after: float, before: float) -> float | None:
    """What is left of a size: None of nothing, not a number of what is no number itself."""
    if before == 0.0:
        return None
    return after / before if isfinite(before) else float("nan")


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """One way of a hop: the read of a state at the hop's time step `to` by an equation at its `t`."""

    state: str
    equation: str
    through: str
    """The parameter it is multiplied with (`W_hh`), or the source of the factor (`f * c[t-1]`)."""
    norm: float
    """‖what arrives at `to` by this way‖."""
    factor: float | None
    """That, over ‖what was there to send‖: what the weights (or the gate) give; None where nothing was there."""


@dataclass(frozen=True, eq=False, slots=True)
class Hop:
    """From time step `t` to time step `to`, of the gradient of one loss."""

    t: int
    to: int
    before: float
    """‖gradient at t of the states that hand theirs on to `to`‖."""
    after: float
    """‖what arrives at the states of `to`‖."""
    split: bool
    """Whether the factor is that of one nonlinearity times that of one product: there is but one way, through both."""
    nonlinearity: float | None
    """Of a split: what the nonlinearity leaves of `before`. None where nothing arrives at it, or without a split."""
    weights: float | None
    """Of a split: what the matrix product (or a gate) then gives. None where nothing arrives at it, or without one."""
    shares: tuple[tuple[str, float], ...]
    """By state, by norm: of what arrives at `to`; () where that is nothing or overflows."""
    routes: tuple[Route, ...]
    straight: bool = False
    """What the loss of t sends by equations that read `to` themselves: past the states of t, so there is no factor."""

    @property
    def factor(self) -> float | None:
        """`after / before`; None where there was nothing before."""
        return ratio(self.after, self.before)

    @property
    def offset(self) -> int:
        return self.to - self.t


class End(NamedTuple):
    """How far the gradient of one loss gets one way: to earlier time steps or to later ones."""

    t: int
    to: int
    first: float
    """‖what is there to send at t‖, where its first hop begins."""
    last: float
    """‖what there is at `to` of the states that are read that way‖."""


class Origin(NamedTuple):
    """Where some of what arrives at a time step comes from."""

    state: str
    """At which it arrives."""
    t: int
    share: float
    """By norm, of all that arrives there from other time steps."""
