"""From bytes to structs and back.

Reading goes bytes -> plain JSON (`text`) -> structs (`schema`, by msgspec: types, ranges, unknown members)
-> what spans members (`checks`). What needs the equations, such as the shape of a weight against its use, is
the session's to check.
"""

from __future__ import annotations

import math
import os
import re
import types
import typing
from collections.abc import Mapping
from typing import Final

import msgspec

from rnn_engine.errors import ReplayError
from rnn_engine.replay import text
from rnn_engine.replay.checks import check, nearest
from rnn_engine.replay.files import AnyPath, read_bytes, write_whole
from rnn_engine.replay.schema import (
    FORMAT,
    VERSION,
    Clip,
    Data,
    Edit,
    Generation,
    Mark,
    Record,
    Reduction,
    Replay,
    SequencePair,
    Training,
    Value,
)

_PLACES: Final[Mapping[str, type[Record]]] = types.MappingProxyType(
    {
        "$": Replay,
        "$.data": Data,
        "$.data.sequences[]": SequencePair,
        "$.training": Training,
        "$.training.reduction": Reduction,
        "$.training.clip": Clip,
        "$.generation": Generation,
        "$.marks[]": Mark,
        "$.edits[]": Edit,
    }
)
_NON_FINITE: Final = types.MappingProxyType({"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf})


def load(path: AnyPath) -> Replay:
    """The replay in the file `path`; ReplayError where there is none, in one line."""
    return loads(read_bytes(path), os.fspath(path))


def loads(data: bytes, file: str | None = None) -> Replay:
    """The replay in `data`; `file` is the name used in errors."""
    document = text.parse(data, file)
    try:
        return _read(document)
    except ReplayError as error:
        raise ReplayError(error.what, error.path, file) from None


def load_data(path: AnyPath) -> Data:
    """The data in the JSON file `path`; ReplayError where there is none.

    Either one list, of which each item is to predict the next, or an object as it stands under `data` in a replay.
    """
    file, raw = os.fspath(path), read_bytes(path)
    if not raw.strip():
        raise ReplayError(
            "the file is empty; expected a list, or an object with inputs and targets", file=file
        )
    document = text.parse(raw, file)
    series = isinstance(document, list)
    if not series and not isinstance(document, dict):
        raise ReplayError("expected a list, or an object with inputs and targets", "$", file)
    about = {"format": FORMAT, "version": list(VERSION), "equations": ["h = x"], "parameters": {}}
    try:
        data = _read({**about, "data": {"inputs": document} if series else document}).data
    except ReplayError as error:
        path = error.path.replace("$.data.inputs" if series else "$.data", "$", 1)
        raise ReplayError(error.what, path, file) from None
    if not series or data.inputs is None:
        return data
    if len(data.inputs) < 2:
        raise ReplayError("one item; expected two or more, each to predict the next", "$", file)
    return Data(inputs=data.inputs[:-1], targets=data.inputs[1:])


def read_edit(data: bytes, file: str | None = None) -> Edit:
    """One edit, as a file has it among its edits; ReplayError where it is none."""
    document = text.parse(data, file)
    about = {"format": FORMAT, "version": list(VERSION), "equations": ["h = t"], "parameters": {}}
    try:
        [edit] = _read({**about, "data": {"steps": 1}, "edits": [document]}).edits
    except ReplayError as error:
        raise ReplayError(error.what, error.path.replace("$.edits[0]", "$", 1), file) from None
    return edit


def dumps(replay: Replay) -> bytes:
    """Canonical bytes, without members at their default: `dumps(loads(b)) == b` for all that it wrote."""
    document = {"format": FORMAT, "version": list(VERSION), **_plain(replay)}
    training = document.get("training")
    if training and "optimizer" in training:
        constants = training["optimizer"].pop("constants", {})
        training["optimizer"].update(constants)
    return text.write(document)


def save(path: AnyPath, replay: Replay) -> None:
    """Write `replay` to `path`, whole or not at all; what `load` would refuse is not written."""
    data = dumps(replay)
    loads(data, os.fspath(path))
    write_whole(path, data)


def _read(document: object) -> Replay:
    """Structs from plain JSON values; ReplayError without a file name."""
    if not isinstance(document, dict):
        raise ReplayError("expected a replay, which is one JSON object", "$")
    _check_version(document)
    raw = dict(document)
    for group in ("initial", "parameters"):
        if isinstance(raw.get(group), dict):
            path = f"$.{group}"
            raw[group] = {k: _value(v, text.member(path, k)) for k, v in raw[group].items()}
    training = raw.get("training")
    if isinstance(training, dict) and isinstance(training.get("optimizer"), dict):
        raw["training"] = {**training, "optimizer": _optimizer(training["optimizer"])}
    try:
        replay = msgspec.convert(raw, Replay)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    check(replay)
    return replay


def _check_version(document: Mapping[str, object]) -> None:
    if document.get("format") != FORMAT:
        raise ReplayError(f'no replay; expected "{FORMAT}"', "$.format")
    version = document.get("version")
    if not (isinstance(version, list) and [type(number) for number in version] == [int, int]):
        raise ReplayError(f"expected the version as two whole numbers, such as {list(VERSION)}", "$.version")
    if tuple(version) != VERSION:
        found, known = (".".join(str(number)[:9] for number in pair) for pair in (version, VERSION))
        hint = "; it needs a newer rnn-tui" if tuple(version) > VERSION else ""
        raise ReplayError(f"version {found}; this rnn-tui reads version {known} alone{hint}", "$.version")


def _value(raw: object, path: str, depth: int = 2) -> Value:
    """A parameter's value: numbers nested at most two deep, non-finite ones as strings."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return float(raw)
    if isinstance(raw, str) and raw in _NON_FINITE:
        return _NON_FINITE[raw]
    if isinstance(raw, list) and depth:
        if all(type(item) is float for item in raw):
            return tuple(raw)
        items = (_value(item, f"{path}[{index}]", depth - 1) for index, item in enumerate(raw))
        return typing.cast(Value, tuple(items))
    expected = ("a number", "a number or a row", "a number, a list of numbers or a list of rows")
    raise ReplayError(f"expected {expected[depth]}", path)


def _optimizer(raw: Mapping[str, object]) -> dict[str, object]:
    """The constants, which stand beside `name` or `equations` in the file, moved into one mapping."""
    constants: dict[str, float] = {}
    for name, value in raw.items():
        if name not in ("name", "equations"):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ReplayError("expected a number", text.member("$.training.optimizer", name))
            constants[name] = float(value)
    return {**{k: raw[k] for k in ("name", "equations") if k in raw}, "constants": constants}


def _invalid(message: str) -> ReplayError:
    """msgspec's message in this program's words; text from the file quoted, misspelt members with a hint."""
    what, _, place = message.rpartition(" - at `")
    what, path = (what, place.removesuffix("`")) if what else (message, "$")
    if what.startswith("Object contains unknown field `"):
        name = what.partition("`")[2].removesuffix("`")
        record = _PLACES.get(re.sub(r"\d+", "", path))
        hint = nearest(name, [] if record is None else record.__struct_fields__)
        return ReplayError(f"unknown member {text.quote(name)}{hint}", path)
    if what.startswith("Object missing required field `"):
        return ReplayError("required, but missing", f"{path}.{what.partition('`')[2].removesuffix('`')}")
    if what.startswith("Invalid enum value"):
        parent, _, name = path.rpartition(".")
        record = _PLACES.get(re.sub(r"\d+", "", parent))
        kind = typing.get_type_hints(record).get(name) if record else None
        options = [option for part in (kind, *typing.get_args(kind)) for option in typing.get_args(part)]
        choices = [f'"{option}"' for option in options if isinstance(option, str)]
        return ReplayError(f"expected {' or '.join(choices)}", path)
    for term, words in _WORDS:
        what = what.replace(term, words)
    return ReplayError(what[0].lower() + what[1:], path)


_WORDS: Final = (
    (" | ", " or "),
    ("`int or float", "`float"),
    ("`", ""),
    ("bool", "true or false"),
    ("int", "whole number"),
    ("float", "number"),
    ("str", "string"),
    ("array", "list"),
)


def _plain(value: typing.Any) -> typing.Any:
    """Structs as dicts without their defaults, tuples as lists, non-finite numbers as strings."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Record):
        fields = ((f, getattr(value, f.name)) for f in msgspec.structs.fields(value))
        return {f.name: _plain(v) for f, v in fields if f.required or v != _default(f)}
    return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
