"""Timing that survives a busy machine: rivals take turns, the best of many rounds counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence


def best_of(
    runs: Mapping[str, Callable[[], object]], rounds: int = 20, seconds: float = 0.02
) -> dict[str, float]:
    """Seconds of CPU per call of each, the smallest over `rounds` rounds in which they take turns.

    A turn is short, so that on a busy machine some fall between the turns of others, and long enough for warm caches.
    """
    repeats = {}
    for name, run in runs.items():
        run()
        start = time.process_time()
        run()
        once = time.process_time() - start
        repeats[name] = max(1, int(seconds / max(once, 1e-7)))
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                run()
            best[name] = min(best[name], (time.process_time() - start) / repeats[name])
    return best


def best_of_each(
    groups: Sequence[Mapping[str, Callable[[], object]]], rounds: int = 20, passes: int = 5
) -> list[dict[str, float]]:
    """The same for groups of rivals, in several passes over all: a busy minute then spoils no group whole."""
    best = [dict.fromkeys(group, float("inf")) for group in groups]
    for _ in range(min(passes, rounds)):
        for found, group in zip(best, groups, strict=True):
            for name, seconds in best_of(group, -(-rounds // passes)).items():
                found[name] = min(found[name], seconds)
    return best
