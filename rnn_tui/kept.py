"""What was not saved when the program was ended from outside: sessions, each a replay in the user's state folder.

A lost line, a signal or a crash leaves nobody to ask. What a person did is written beside the memory
(`$XDG_STATE_HOME/rnn-tui/kept/`) and offered in the list of lessons; a name says when, of which session, and how much.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from rnn_engine.errors import EngineError

MOST = 20
"""Files that are kept at most; of more, the oldest make way."""
_NAME = r"(?P<of>[\w.-]{1,40})-\d{8}-\d{6}(?:-\d+)?(?:-(?P<edits>\d+)e(?P<marks>\d+)m)?-(?P<origin>[0-9a-f]{8})\.json"


def kept_folder() -> Path:
    """Where they lie."""
    from platformdirs import user_state_path

    return user_state_path("rnn-tui", appauthor=False) / "kept"


class Source(Protocol):
    """A session of which something may have to be kept."""

    @property
    def unsaved(self) -> bool: ...

    @property
    def origin(self) -> str: ...

    @property
    def own(self) -> tuple[int, int]: ...

    def write_copy(self, path: Path) -> None: ...


class Kept(NamedTuple):
    """A session that was kept."""

    path: Path
    of: str
    """What it was called: a lesson, or a file without its extension."""
    when: float
    edits: int
    """Numbers that are set by hand."""
    marks: int
    """Marks that a person made; those that the session came with are not counted."""

    @property
    def time(self) -> str:
        """When it was kept: the time of day first, which tells those of one day apart."""
        when = time.localtime(self.when)
        year = "" if when.tm_year == time.localtime().tm_year else " %Y"
        return time.strftime(f"%H:%M:%S (%d %b{year})", when)

    @property
    def what(self) -> str:
        """What is in it; empty where that is not known."""
        counts = ((self.edits, "edit"), (self.marks, "mark"))
        return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)


def kept_name(path: str) -> str:
    """What a kept session was called, by the name of its file; "" where that is no kept session's."""
    found = _named(Path(path).name)
    return found["of"] if found else ""


class Shelf:
    """The folder of what was kept; without one nothing is."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def keep(self, session: Source) -> Path | None:
        """Write what is not saved to a file of its own; None where there is nothing, or no room for it."""
        if self.folder is None or not session.unsaved:
            return None
        of, origin = _identity(session.origin)
        path = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = _reserved(self.folder, of, f"{_counts(session)}-{origin}")
            session.write_copy(path)
        except (EngineError, OSError):  # a full disk, say: leaving goes on
            if path is not None:
                with suppress(OSError):
                    path.unlink()
            return None
        for old in self._paths()[MOST:]:
            with suppress(OSError):
                old.unlink()
        return path

    def entries(self) -> tuple[Kept, ...]:
        """All that is kept, the latest first."""
        return tuple(_read(self._paths()))

    def latest_of(self, origin: str) -> Kept | None:
        """What was kept last of a session."""
        identity = "-".join(("", _identity(origin)[1])) + ".json"
        mine = [path for path in self._paths() if path.name.endswith(identity)]
        return next(_read(mine), None) if not kept_name(origin) else None

    def remove(self, entry: Kept) -> str:
        """Throw away what was kept; one sentence where that cannot be."""
        try:
            entry.path.unlink(missing_ok=True)
        except OSError as error:
            return f"{entry.path}: {(error.strerror or str(error)).lower()}"
        return ""

    def _paths(self) -> list[Path]:
        """The files, the latest first."""
        if self.folder is None:
            return []
        found: list[tuple[float, str, Path]] = []
        with suppress(OSError):
            for path in self.folder.iterdir():
                with suppress(OSError):  # gone meanwhile, or a link to nowhere: the others are still there
                    if _named(path.name):
                        found.append((path.stat().st_mtime, path.name, path))
        return [path for _, _, path in sorted(found, reverse=True)]


def _named(name: str) -> re.Match[str] | None:
    return re.fullmatch(_NAME, name, re.ASCII)


def _identity(origin: str) -> tuple[str, str]:
    """What a session is called in a file's name, and what tells it from others of that name."""
    again = _named(Path(origin).name)
    if again:
        return again["of"], again["origin"]
    of = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(origin).name.removesuffix(".json"))[:40].strip("-.")
    return of or "session", f"{zlib.crc32(origin.encode('utf-8', 'surrogateescape')):08x}"


def _counts(session: Source) -> str:
    """How much a person has made in a session, and in what was kept of it before."""
    before = _named(Path(session.origin).name)
    edits, marks = session.own
    return f"{edits}e{marks + int(before['marks'] or 0 if before else 0)}m"


def _reserved(folder: Path, of: str, rest: str) -> Path:
    """An empty file that nobody else has."""
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    while True:
        more = f"-{number}" if number > 1 else ""
        path = folder / f"{of}-{stamp}{more}-{rest}.json"
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def _read(paths: list[Path]) -> Iterator[Kept]:
    """What their names say; a file in which nothing is was never written to its end."""
    for path in paths:
        with suppress(OSError):
            status, name = path.stat(), _named(path.name)
            if name and status.st_size:
                yield Kept(
                    path, name["of"], status.st_mtime, int(name["edits"] or 0), int(name["marks"] or 0)
                )
