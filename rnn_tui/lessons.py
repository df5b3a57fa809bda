"""The bundled lessons, and from a name or a path to a file."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rnn_engine.errors import EngineError

ORDER = (
    "i-love-cats", "hi-there", "hi-there-class-bptt", "alternating-bits", "batch", "batch-one", "hello",
    "bptt-two-units", "vanishing", "lstm-remembers", "gru-remembers", "same-step-four-cells",
    "exploding-and-clipping", "truncated-bptt",
)  # fmt: skip
"""The order to learn in; a lesson that is not named here comes after these, by its name."""


class Lesson(NamedTuple):
    """One bundled replay. The texts are as the file has them."""

    name: str
    title: str
    summary: str
    """The first sentence of its notes."""
    path: Path


def directory() -> Path:
    """Where the lessons are: inside the installed package, or beside it in the source tree."""
    package = Path(__file__).resolve().parent
    return next((p for p in (package / "sessions", package.parent / "sessions") if p.is_dir()), package)


def lessons() -> tuple[Lesson, ...]:
    """All lessons, in the order to learn in."""
    known = {name: place for place, name in enumerate(ORDER)}
    paths = sorted(directory().glob("*.json"), key=lambda p: (known.get(p.stem, len(ORDER)), p.stem))
    return tuple(_lesson(path) for path in paths)


def bundled(name: str) -> Lesson | None:
    """The lesson of that name, if there is one."""
    return next((_lesson(path) for path in directory().glob("*.json") if path.stem == name), None)


def find(name_or_path: str, *, also: Iterable[str] = ()) -> Path:
    """The file of a lesson's name, else the path itself if it is one.

    What looks like a path (it has a separator, an extension, or is there) is given back unread. `also` are
    words that may have been meant as well. Raises EngineError with the nearest names for anything else.
    """
    names = {path.stem: path for path in directory().glob("*.json")}
    if name_or_path in names:
        return names[name_or_path]
    path = Path(name_or_path)
    if name_or_path and (os.sep in name_or_path or path.suffix or os.path.lexists(path)):
        return path
    near = _near(name_or_path.lower(), [*names, *also])
    hint = f"did you mean {' or '.join(near)}?" if near else "`rnn-tui list` shows the lessons"
    raise EngineError(f"{name_or_path!r}: no lesson and no file of this name; {hint}")


def _near(word: str, known: Sequence[str]) -> list[str]:
    """What may have been meant: names that begin with the word, have it in them, or are a slip away."""
    begin = [name for name in known if name.startswith(word)] if len(word) > 1 else []
    within = [name for name in known if word in name and name not in begin] if len(word) > 3 else []
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.7)
    return list(dict.fromkeys((*sorted(begin, key=len), *sorted(within), *close)))[:3]


def _lesson(path: Path) -> Lesson:
    # Our own files, and the list is the first thing on the screen: two members are read without the strict
    # loader, which opening one goes through. It would load NumPy and cost more than the rest of the list.
    document = json.loads(path.read_bytes())
    words = first_sentence(document.get("notes", ""))
    return Lesson(path.stem, document.get("title", path.stem), words, path)


def first_sentence(notes: str) -> str:
    """The opening words of notes."""
    first, stop, _ = notes.partition(". ")
    return first + stop.strip()
