"""A hop of the gradient from one time step to another, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """One way of a hop: the read of a state at the hop's time step `to` by an equation at its `t`."""

    state: str
    equation: str
    through: str
    """The parameter it is multiplied with (`W_hh`), or the source of the factor (`f * c[t-1]`)."""
    norm: float
    """‖what arrives at `to` by this way‖."""
    factor: float
    """That, over ‖what was there to send‖: what the weights (or the gate) give."""


@dataclass(frozen=True, eq=False, slots=True)
class Hop:
    """From time step `t` to time step `to`, of the gradient of one loss."""

    t: int
    to: int
    before: float
    """‖gradient at t of the states that hand theirs on to `to`‖."""
    after: float
    """‖what arrives at the states of `to`‖."""
    nonlinearity: float
    """What the element-wise part of the equations leaves of it, up to the matrix products."""
    weights: float
    """What the matrix products (or gates) then give; the two make the factor."""
    routes: tuple[Route, ...]
    straight: bool = False
    """What the loss of t sends by equations that read `to` themselves: past the states of t, so there is no factor."""

    @property
    def factor(self) -> float:
        return self.after / self.before if self.before else 0.0

    @property
    def offset(self) -> int:
        return self.to - self.t


@dataclass(frozen=True, slots=True)
class End:
    """How far the gradient of one loss gets one way: to earlier time steps or to later ones."""

    t: int
    to: int
    first: float
    """‖what is there to send at t‖, where its first hop begins."""
    last: float
    """‖what there is at `to` of the states that are read that way‖."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where some of what arrives at a time step comes from."""

    state: str
    """At which it arrives."""
    t: int
    share: float
    """By norm, of all that arrives there from other time steps."""
