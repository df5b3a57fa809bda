"""The words of a command line, as far as they can be told without its grammar.

To open something by its name is what is asked for most, and needs no more than this: `argparse` and the grammar
(`arguments.py`) take as much memory as the core of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS = (
    "open", "list", "trace", "narrate", "why", "flow", "horizon", "predict", "edits", "export", "check", "new",
    "config", "diagnose", "completion",
)  # fmt: skip


class UsageError(Exception):
    """Arguments that mean nothing; one line."""


def bare(argv: Sequence[str]) -> bool:
    """Whether that is nothing at all, or something to open and nothing else."""
    return not argv or (len(argv) == 1 and not argv[0].startswith("-") and argv[0] not in COMMANDS)
