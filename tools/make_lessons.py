"""Write the bundled lessons, sessions/*.json, from their readable sources, tools/lessons/*.toml.

    python tools/make_lessons.py [DIRECTORY]

A source is a replay as docs/replay-format.md describes it, with four conveniences that are worked out here:

    equations = "…"                                a text of lines instead of a list
    W = { normal = [4, 9], scale = 0.3 }           drawn from `seed`, rounded, stored as values
    parameters = { from = "batch" }                as in another lesson, `data` too; of its inputs, one `sequence`
    sequences = [{ inputs = "A-=-", last = "A" }]  a text's characters; the last step's target, and no other before

The same sources give the same bytes everywhere: Python promises the stream of `random.Random(seed).random()`.
"""

from __future__ import annotations

import json
import random
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from rnn_engine.replay import FORMAT, VERSION, dumps, loads

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ROOT / "tools" / "lessons"
DECIMALS: Final = 3


def main(directory: Path) -> None:
    """Write every lesson into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for source in sorted(SOURCES.glob("*.toml")):
        (directory / f"{source.stem}.json").write_bytes(lesson(source.stem))


def lesson(name: str) -> bytes:
    """The canonical bytes of one lesson, checked as any file is."""
    document = {"format": FORMAT, "version": list(VERSION), **_document(name)}
    return dumps(loads(json.dumps(document).encode(), f"{name}.toml"))


def _document(name: str) -> dict[str, Any]:
    """The source with its conveniences worked out."""
    source = tomllib.loads((SOURCES / f"{name}.toml").read_text(encoding="utf-8"))
    stream = random.Random(source.pop("seed", 0))
    source["equations"] = [line for line in source["equations"].splitlines() if line]
    for part in ("data", "parameters"):
        if "from" in source[part]:
            source[part] = _document(source[part]["from"])[part]
        source[part] = {key: _given(value, stream, part, key) for key, value in source[part].items()}
    if "sequences" in source["data"]:
        source["data"]["sequences"] = [_sequence(**s) for s in source["data"]["sequences"]]
    return source


def _given(value: Any, stream: random.Random, *place: str) -> Any:
    if isinstance(value, Mapping) and "normal" in value:
        return _normal(value["normal"], value["scale"], stream)
    if isinstance(value, Mapping) and "from" in value:
        found = _document(value["from"])
        for key in place:
            found = found[key]
        return [step[value["sequence"] - 1] for step in found]
    return value


def _sequence(inputs: Iterable[Any], targets: list[Any] | None = None, **given: Any) -> dict[str, Any]:
    """A sequence as a replay has it; `last` becomes its targets, for TOML has no null."""
    steps = list(inputs)
    if "last" in given:
        targets = [*[None] * (len(steps) - 1), given.pop("last")]
    return {"inputs": steps, "targets": targets, **given}


def _normal(shape: list[int], scale: float, stream: random.Random) -> Any:
    """Nested lists of `shape`; the sum of twelve uniform numbers less six is close to a standard normal one."""
    if shape:
        return [_normal(shape[1:], scale, stream) for _ in range(shape[0])]
    return round(scale * (sum(stream.random() for _ in range(12)) - 6), DECIMALS) + 0.0  # no -0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "sessions")
