"""The vocabulary of the language: every operation by its name.

To add one, write it in `functions.py` (or where it belongs), enter it in the tuple there, add a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rnn_engine.core import arithmetic, functions, losses
from rnn_engine.core.operation import Operation


def _by_name(operations: Iterable[Operation]) -> Mapping[str, Operation]:
    return MappingProxyType({operation.name: operation for operation in operations})


ARITHMETIC = _by_name(arithmetic.ARITHMETIC)
"""What stands between names: + - * / **, and the unary minus as `neg`."""
FUNCTIONS = _by_name((*functions.FUNCTIONS, *losses.LOSSES))
"""What is called by name."""
