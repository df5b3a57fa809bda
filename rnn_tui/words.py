"""Sentences that the screen and the headless commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_engine.flow import Flow, Hop, Horizon, Unknown

SAME = 1e-9
"""A factor so near to 1 is 1 but for rounding."""
WAYS = 3
"""Of so many ways of a hop each is named in a sentence."""


def horizon_line(found: Horizon, flow: Flow | None, at_least: int | None = None) -> str:
    """After how many steps the gradient of a state is gone, and the hop that loses most.

    With the number of steps it should have `at_least`: also why that cannot be told, where it cannot.
    """
    blamed = "" if flow is None else worst_line(found, flow)
    why = ""
    if at_least is not None and found.unknown is None and found.lasts(at_least) is None:
        T = len(found.norms)
        why = f"a window of {T} time step{'s' if T > 1 else ''} cannot show {_steps(at_least)}"
    return "; ".join(part for part in (left_line(found), blamed, why) if part)


def left_line(found: Horizon) -> str:
    """After how many steps the gradient of a state is gone."""
    T, t = len(found.norms), found.start + found.far + 1
    last = f"∂{found.state}[{found.start + found.end + 1}]"
    head = "horizon" if found.way < 0 else "horizon to later time steps"
    if T == 1:
        return f"{head}: the window has one time step alone"
    if found.steps is not None:
        after = "1 step; after it" if found.steps == 1 else f"{found.steps} steps; after them"
        return f"{head}: {after} less than 1 % of {last} is left"
    if found.unknown is not None:
        known = f"more than {_steps(found.known)}" if found.known else "none that is known"
        return f"{head}: {known}; {unknown_words(found.unknown)}"
    much = float(found.norms[found.far])
    if abs(much - 1.0) <= SAME:
        left = f"all of {last} is left at t={t}"
    elif much > 1.0:
        left = f"{last} has grown × {much:.3g} by t={t}"
    else:
        share = f"{much:.2g}"
        left = f"{'nearly all' if share == '1' else share} of {last} is left at t={t}"
    return f"{head}: more than {_steps(T - 1)}; {left}"


def worst_line(found: Horizon, flow: Flow) -> str:
    """The hop up to a horizon that loses most; where there is none and the gradient grows, the one that grows most.

    Of the last loss that flows (of the first, if it goes to later time steps), in the state that the horizon
    measures and those connected to it. "" where there is no such hop.
    """
    if not flow.sending or found.unknown is not None:
        return ""
    loss = flow.sending[-1 if found.way < 0 else 0]
    hops = flow.compared(loss, found.way, found.state)
    upto = ""
    if found.steps is not None:
        edge = found.start + found.end + 1 + found.way * found.steps
        near = tuple(hop for hop in hops if (edge - hop.to) * found.way >= 0)
        upto, hops = "up to there " if len(near) < len(hops) else "", near
    if not hops:
        return ""
    ahead = [c for c in flow.crossings if c.offset * found.way > 0 and not c.straight]
    several = len({c.offset for c in ahead}) > 1
    length = f"of {_steps(abs(hops[0].offset))}"
    which = f"of the hops {length}" if several else "the hop"
    states = [state for state in flow.states if state in flow.graph.connected(found.state)]
    of = f" of {', '.join(states)}" if any(c.state not in states for c in ahead) else ""
    loses, grows = min(hops, key=_factor), max(hops, key=_factor)
    if found.steps is None and found.norms[found.far] > 1.0 + SAME:
        worst, does = grows, "grows"
        if _factor(grows) <= 1.0 + SAME:
            return ""
    else:
        worst, does = loses, "loses"
        if _factor(loses) >= 1.0 - SAME:
            return f"{upto}no hop{of} loses any"
    if alike(hops):
        every = f"every hop {length}" if several else "every hop"
        return f"{upto}{every}{of} {does} alike: {blame(worst)}"
    return f"{upto}{which} t={worst.t} → {worst.to}{of} {does} most: {blame(worst)}"


def alike(hops: Sequence[Hop]) -> bool:
    """Whether several hops have one factor but for rounding: then none is the worst."""
    factors = [_factor(hop) for hop in hops]
    return len(hops) > 1 and max(factors) - min(factors) <= SAME * max(factors)


def blame(hop: Hop) -> str:
    """A hop's factor, and what it is made of."""
    factor = f"× {_factor(hop):.3g}"
    if hop.nonlinearity is not None and hop.weights is not None:
        return f"{factor} (nonlinearity × {hop.nonlinearity:.3g}, weights × {hop.weights:.3g})"
    if hop.split:
        return f"{factor} (the nonlinearity leaves nothing)"
    named, others = (found := ways(hop))[:WAYS], found[WAYS:]
    said = [f"{100 * share:.2g} % through {way}" for way, share in named]
    said += [f"{100 * sum(share for _, share in others):.2g} % otherwise"] if others else []
    return f"{factor} ({', '.join(said)})" if len(found) > 1 else factor


def ways(hop: Hop) -> list[tuple[str, float]]:
    """What arrives by a hop, by state, or by what it is multiplied with: each one's share by norm, largest first."""
    found: dict[str, float] = dict(hop.shares)
    if len(found) < 2:
        total = sum(route.norm for route in hop.routes)
        found = {}
        for route in hop.routes:
            if 0.0 < total < float("inf"):
                found[route.through] = found.get(route.through, 0.0) + route.norm / total
    return sorted(found.items(), key=lambda item: -item[1])


def unknown_words(unknown: Unknown | None) -> str:
    """Of the first number that is none."""
    if unknown is None:
        return "something overflows"
    return f"{unknown.name} {'is not a number (nan)' if unknown.nan else 'overflows'}"


def silent_words(flow: Flow, another: str) -> str:
    """Why no loss of a window sends anything, and what would help: `another` iteration, as one gets there."""
    first, last = flow.start + 1, flow.start + flow.T
    where = f"t={first}" if flow.T == 1 else f"t={first} to {last}"
    if flow.silent:
        return (
            f"No loss flows in this window ({where}): none of its time steps has a target. "
            f"Nothing crosses a window's edge; {another} or a longer window may have a loss."
        )
    return f"No loss flows in this window ({where}): the gradient of each is 0."


def _factor(hop: Hop) -> float:
    return float("nan") if hop.factor is None else hop.factor


def _steps(n: int) -> str:
    return "1 step" if n == 1 else f"{n} steps"
