"""The text of a replay: from bytes to plain JSON values and back. Knows JSON and limits, no member.

Reading is bounded before it is done: size, nesting and number of values are counted over the bytes, so that
no file makes the parser allocate what the file itself is not big enough to hold. Python's parser is used
because it alone tells of members that appear twice; what JSON forbids and Python allows is refused here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rnn_engine.errors import ReplayError

MAX_BYTES: Final = 32 * 2**20
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 4_000_000
MAX_CONTAINERS: Final = 1_000_000
WIDTH: Final = 100
"""Columns that a line of several short things may fill."""

_STRING_OR_BRACKET = re.compile(rb'(?s)"(?:[^"\\]|\\.)*+"?|[][{}]')
_CUT = re.compile(r"\\?[-+.\w]*\s*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Refused(NamedTuple):
    """Stands in the parsed document where something must not be; found again, with its path, afterwards."""

    why: str


def quote(text: str, limit: int = 40) -> str:
    """Text from a file for use in a message: pure ASCII on one line, cut at `limit` characters."""
    return json.dumps(text if len(text) <= limit else text[: limit - 3] + "...")


def member(path: str, name: str) -> str:
    """The JSON path of a member: `$.data`, or `$.parameters["odd name"]`."""
    return f"{path}.{name}" if _IDENTIFIER.fullmatch(name) else f"{path}[{quote(name)}]"


def parse(data: bytes, file: str | None = None) -> object:
    """Plain JSON values of `data`; ReplayError for all that is no well-formed, bounded, unambiguous JSON."""
    if len(data) > MAX_BYTES:
        raise ReplayError(f"larger than {MAX_BYTES // 2**20} MB, which no replay is", file=file)
    if not data.strip():
        raise ReplayError("the file is empty; expected a replay (one JSON object)", file=file)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReplayError(f"not UTF-8 text (byte {error.start}); expected a replay", file=file) from None
    if text.startswith("\ufeff"):
        raise ReplayError("starts with a byte order mark; expected UTF-8 without one", file=file)
    _measure(data, file)
    try:
        document: object = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise ReplayError(_syntax(error), file=file) from None
    for path, refused in _refusals(document, "$"):
        raise ReplayError(refused.why, path, file)
    return document


def _measure(data: bytes, file: str | None) -> None:
    """Refuse great numbers of values (commas, brackets) and deep nesting by a scan of the bytes."""
    if data.count(b",") >= MAX_VALUES:
        raise ReplayError(f"more than {MAX_VALUES:,} values in one file", file=file)
    if data.count(b"[") + data.count(b"{") > MAX_CONTAINERS:
        raise ReplayError(f"more than {MAX_CONTAINERS:,} lists and objects in one file", file=file)
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(data):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ReplayError(f"nested more than {MAX_DEPTH} deep; expected a replay", file=file)
        elif token[0] in (b"]", b"}"):
            depth -= 1


def _syntax(error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data":
        return f"something follows the end of the JSON object, at line {error.lineno}, column {error.colno}"
    if error.msg.startswith("Unterminated string") or (error.pos and _CUT.fullmatch(error.doc, error.pos)):
        return "the file ends too early: its JSON is cut off"
    return f"not JSON at line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                result[name] = _Refused("appears twice in the same object")
            seen.add(name)
    return result


def _integer(text: str) -> float | _Refused:
    return int(text) if len(text) < 300 else _number(text)


def _number(text: str) -> float | _Refused:
    value = float(text)
    return value if math.isfinite(value) else _Refused("a number beyond float64")


def _constant(text: str) -> _Refused:
    return _Refused(f'the literal {text} is not JSON; a non-finite weight is written as the string "{text}"')


def _refusals(value: object, path: str) -> Iterator[tuple[str, _Refused]]:
    if isinstance(value, _Refused):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _refusals(inner, member(path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, (dict, list, _Refused)):
                yield from _refusals(inner, f"{path}[{index}]")


def write(document: Mapping[str, object]) -> bytes:
    """Canonical bytes: pure ASCII, members in the order given, a matrix row per line, a final newline.

    Everything outside printable ASCII is escaped, so that showing the file in a terminal is harmless.
    """
    return (_layout(document, "", "") + "\n").encode("ascii")


def _layout(value: object, indent: str, name: str) -> str:
    """`value` as text; its further lines start with `indent`."""
    if isinstance(value, (str, int, float)) or value is None or not value:
        return json.dumps(value, allow_nan=False)
    inner = indent + "  "
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(key)}: {_layout(item, inner, key)}" for key, item in value.items()]
        line = f"{{{', '.join(parts)}}}"
        if indent and "\n" not in line and len(indent) + len(name) + len(line) + 5 <= WIDTH:
            return line
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    assert isinstance(value, list)
    if any(isinstance(item, (list, Mapping)) for item in value):
        parts = [_row(item) if _is_row(item) else _layout(item, inner, "") for item in value]
        if len(parts) == 1 and "\n" not in parts[0]:
            return f"[{parts[0]}]"
        return "[\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}]"
    line = json.dumps(value, allow_nan=False)
    if len(indent) + len(name) + len(line) + 5 <= WIDTH and (name != "equations" or len(value) == 1):
        return line
    parts = [json.dumps(item, allow_nan=False) for item in value]
    lines = parts if name == "equations" else _filled(parts, WIDTH - len(inner))
    return "[\n" + ",\n".join(inner + part for part in lines) + f"\n{indent}]"


def _is_row(value: object) -> bool:
    return isinstance(value, list) and not any(isinstance(item, (list, Mapping)) for item in value)


def _row(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _filled(parts: Sequence[str], width: int) -> list[str]:
    """`parts` joined by commas into as few lines as fit into `width`."""
    lines: list[str] = []
    used = width + 1
    for part in parts:
        if used + len(part) + 2 > width:
            lines.append(part)
            used = len(part) + 1
        else:
            lines[-1] += f", {part}"
            used += len(part) + 2
    return lines
