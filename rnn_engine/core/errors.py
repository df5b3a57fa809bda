"""Everything the core refuses, as one-line errors that a person can act on.

EngineError
├── EquationError    a text of equations that cannot be run (line, column)
└── AddressError     a place in time that does not exist
"""

from __future__ import annotations


class EngineError(Exception):
    """One line: what, where, what was expected."""


class EquationError(EngineError):
    """A text of equations that cannot be run; `line` and `column` count from 1."""

    def __init__(self, what: str, line: int | None = None, column: int | None = None) -> None:
        where = "" if line is None else f"equation {line}, column {column}: "
        super().__init__(where + what)
        self.what = what
        self.line = line
        self.column = column


class AddressError(EngineError):
    """An address, time step or index that the run does not have."""
