"""The errors of the engine. Each is one line; none is ever a traceback for the user.

EngineError
├── EquationError    a text of equations that cannot be run (line, column)
├── AddressError     a place in time that does not exist
├── DataError        inputs or targets that cannot be used
└── ReplayError      a file that is no valid replay (file, JSON path)
"""

from __future__ import annotations

from rnn_engine.core.errors import AddressError, EngineError, EquationError

__all__ = ["AddressError", "DataError", "EngineError", "EquationError", "ReplayError"]


class DataError(EngineError):
    """Inputs or targets that cannot be used; says where they stand."""


class ReplayError(EngineError):
    """A file that is no valid replay."""

    def __init__(self, what: str, path: str = "", file: str | None = None) -> None:
        super().__init__(": ".join(part for part in (file, path, what) if part))
        self.what = what
        self.path = path
        self.file = file
