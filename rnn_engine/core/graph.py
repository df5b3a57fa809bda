"""Strongly connected components: what depends on itself through time, and what does not."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def strongly_connected(nodes: Sequence[Key], needs: Mapping[Key, Iterable[Key]]) -> list[list[Key]]:
    """The components of a graph, each behind those it needs; members in the order of `nodes`.

    Tarjan, Depth-first search and linear graph algorithms (1972), with a stack of its own: a long
    text must not meet Python's recursion limit.
    """
    place = {node: i for i, node in enumerate(nodes)}
    number: dict[Key, int] = {}
    low: dict[Key, int] = {}
    stack: list[Key] = []
    waiting: set[Key] = set()
    components: list[list[Key]] = []
    for start in nodes:
        if start in number:
            continue
        path = [(start, iter(needs[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        waiting.add(start)
        while path:
            node, edges = path[-1]
            for other in edges:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    waiting.add(other)
                    path.append((other, iter(needs[other])))
                    break
                if other in waiting:
                    low[node] = min(low[node], number[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == number[node]:
                    cut = stack.index(node)
                    component, stack[cut:] = stack[cut:], []
                    waiting.difference_update(component)
                    components.append(sorted(component, key=place.__getitem__))
    return components
