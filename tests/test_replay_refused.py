"""Replays: what is unsound is refused in one line, with its JSON path, before much is allocated."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from rnn_engine import replay as replays
from rnn_engine.errors import ReplayError
from rnn_engine.replay import (
    Data,
    Replay,
    loads,
)
from tests.replays import EXAMPLES, example, refused

Change = Callable[[dict[str, Any]], object]


BYTES = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\t", "the file is empty"),
    "not UTF-8": (b'{"title": "\xff"}', "not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "not UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "not JSON": (b"hello", "not JSON at line 1, column 1"),
    "a list": (b"[]", "expected a replay, which is one JSON object"),
    "NUL": (b"{\x00}", "not JSON at line 1"),
    "deep": (b"[" * 100_000, "nested more than 32 deep"),
    "deep objects": (b'{"a":' * 40, "nested more than 32 deep"),
    "closing only": (b"]" * 100, "not JSON"),
    "many values": (b"[" + b"0," * 4_000_000 + b"0]", "more than 4,000,000 values"),
    "many lists": (b"[" + b"[]," * 1_000_001 + b"[]]", "more than 1,000,000 lists and objects"),
    "large": (b" " * (32 * 2**20 + 1), "larger than 32 MB"),
    "a control character": (b'{"title": "\x1b[2J"}', "not JSON at line 1"),
}


@pytest.mark.parametrize(("data", "message"), BYTES.values(), ids=BYTES)
def test_hostile_bytes(data: bytes, message: str) -> None:
    start = time.perf_counter()
    assert message in str(refused(data))
    assert time.perf_counter() - start < 5


def test_a_hostile_file_is_refused_before_much_is_allocated() -> None:
    tracemalloc.start()
    try:
        refused(b"[" + b"{}," * 5_000_000 + b"{}]")
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"", b"}", b" {}", b"\n[1]", b"x", b"\x00"])
def test_only_white_space_may_follow(end: bytes) -> None:
    data = EXAMPLES[0].encode().rstrip() + b"\n "
    if end:
        assert "something follows the end of the JSON object" in str(refused(data + end))
    else:
        loads(data)


def test_every_truncation_is_refused() -> None:
    data = EXAMPLES[0].encode().rstrip()
    for length in range(len(data)):
        message = str(refused(data[:length]))
        assert "cut off" in message or "is empty" in message or length < 3


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"title"', '"notes": "a", "title"', "$.notes"),
        ('"W_hh": [[0.2]]', '"W_hh": 1, "W_hh": [[0.2]]', "$.parameters.W_hh"),
        ('"kind": "value"', '"kind": "value", "kind": "norm"', "$.training.clip.kind"),
        ('"address"', '"address": "", "address"', "$.marks[0].address"),
    ],
)
def test_members_that_appear_twice(old: str, new: str, path: str) -> None:
    error = refused(EXAMPLES[0].replace(old, new))
    assert (error.path, error.what) == (path, "appears twice in the same object")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_literals_that_json_does_not_have(literal: str) -> None:
    error = refused(EXAMPLES[0].replace("0.8", literal))
    assert error.path == "$.parameters.W_xh[0][2]"
    assert literal in error.what


@pytest.mark.parametrize("literal", ["1e999", "-1e999", "1" * 5000, "1" * 310, "9" * 400 + ".5"])
@pytest.mark.parametrize(
    ("place", "path"), [("0.8", "$.parameters.W_xh[0][2]"), ("20", "$.training.iterations")]
)
def test_numbers_beyond_float64(literal: str, place: str, path: str) -> None:
    error = refused(EXAMPLES[0].replace(place, literal))
    assert (error.path, error.what) == (path, "a number beyond float64")


# Members and values


def put(*path: str | int, value: object) -> Change:
    """A change of the example: `value` at `path`."""

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def drop(name: str) -> Change:
    return lambda document: document.pop(name)


REFUSALS: dict[str, tuple[Change, str, str]] = {
    "format": (put("format", value="other"), "$.format", "rnn-tui-replay"),
    "no format": (drop("format"), "$.format", "no replay"),
    "no version": (drop("version"), "$.version", "two whole numbers"),
    "version of another type": (put("version", value=[0, True]), "$.version", "two whole numbers"),
    "newer minor": (
        put("version", value=[0, 2]),
        "$.version",
        "version 0.2; this rnn-tui reads version 0.1 alone; it n",
    ),
    "newer major": (
        put("version", value=[1, 0]),
        "$.version",
        "version 1.0; this rnn-tui reads version 0.1 alone; it n",
    ),
    "older": (put("version", value=[0, 0]), "$.version", "version 0.0; this rnn-tui reads version 0.1 alone"),
    "huge version": (put("version", value=[0, 10**200]), "$.version", "version 0.100000000; "),
    "no equations": (drop("equations"), "$.equations", "required, but missing"),
    "no data": (drop("data"), "$.data", "required, but missing"),
    "no parameters": (drop("parameters"), "$.parameters", "required, but missing"),
    "empty equations": (put("equations", value=[]), "$.equations", "length >= 1"),
    "an equation that is a number": (
        put("equations", 1, value=3),
        "$.equations[1]",
        "expected string, got whole number",
    ),
    "unknown member": (put("titel", value=1), "$", 'unknown member "titel"; did you mean "title"?'),
    "unlike any": (put("\x1b[2J`\n", value=1), "$", r'unknown member "\u001b[2J`\n"'),
    "unknown in training": (put("training", "epoch", value=1), "$.training", 'did you mean "epochs"?'),
    "unknown in data": (put("data", "input", value=1), "$.data", 'did you mean "inputs"?'),
    "unknown in a mark": (put("marks", 0, "notes", value="a"), "$.marks[0]", 'did you mean "note"?'),
    "long title": (put("title", value="a" * 201), "$.title", "length <= 200"),
    "a title that is null": (put("title", value=None), "$.title", "expected string, got null"),
    "many marks": (put("marks", value=[{"address": "1:forward:1:h"}] * 10_001), "$.marks", "length <= 10000"),
    # data
    "no form": (put("data", value={}), "$.data", "has nothing; expected one of"),
    "two forms": (put("data", "steps", value=3), "$.data", "has inputs and steps; expected one of"),
    "batch alone": (put("data", "batch", value=2), "$.data.batch", "goes with sequences"),
    "level alone": (put("data", "level", value="words"), "$.data.level", "goes with text"),
    "10^12 steps": (put("data", value={"steps": 10**12}), "$.data.steps", "<= 100000"),
    "no steps": (put("data", value={"steps": 0}), "$.data.steps", ">= 1"),
    "half a step": (
        put("data", value={"steps": 2.5}),
        "$.data.steps",
        "expected whole number or null, got number",
    ),
    "steps as words": (
        put("data", value={"steps": "3"}),
        "$.data.steps",
        "expected whole number or null, got string",
    ),
    "steps as truth": (put("data", value={"steps": True}), "$.data.steps", "got true or false"),
    "unknown token": (
        put("data", "inputs", 2, value="clas"),
        "$.data.inputs[2]",
        'vocabulary; did you mean "class"?',
    ),
    "unknown target": (
        put("data", "targets", 3, value="?"),
        "$.data.targets[3]",
        '"?" is not in the vocabulary',
    ),
    "token twice": (put("data", "vocabulary", 3, value="hi"), "$.data.vocabulary[3]", "already number 1"),
    "empty token": (put("data", "vocabulary", 3, value=""), "$.data.vocabulary[3]", "length >= 1"),
    "empty vocabulary": (put("data", "vocabulary", value=[]), "$.data.vocabulary", "length >= 1"),
    "empty inputs": (put("data", "inputs", value=[]), "$.data.inputs", "expected 1 to 100,000 items"),
    "few targets": (put("data", "targets", value=["hi"]), "$.data.targets", "1 targets for 4 inputs"),
    "null input": (put("data", "inputs", 1, value=None), "$.data.inputs[1]", "got null"),
    "mixed": (put("data", "inputs", 1, value=1), "$.data.inputs[1]", "a number among tokens"),
    "mixed depth": (
        put("data", "inputs", 1, value=[1]),
        "$.data.inputs[1]",
        "a list; expected a single value",
    ),
    "ragged": (
        put("data", value={"inputs": [[1, 2], [3]]}),
        "$.data.inputs[1]",
        "a list of 1; expected 2 items",
    ),
    "ragged batch": (
        put("data", value={"inputs": [[[1], [2]], [[3]]]}),
        "$.data.inputs[1]",
        "expected 2 items",
    ),
    "a token in a vector": (put("data", value={"inputs": [[1, "a"]]}), "$.data.inputs[0][1]", "got string"),
    "a null in a vector": (
        put("data", value={"inputs": [[1, 2]], "targets": [[1, None]]}),
        "$.data.targets[0][1]",
        "null; expected a number",
    ),
    "a token in a target vector": (
        put("data", value={"inputs": [[1, 2]], "targets": [["a", "b"]]}),
        "$.data.targets[0][0]",
        "a token inside a vector",
    ),
    "targets three deep": (
        put("data", value={"inputs": [1], "targets": [[[1]]]}),
        "$.data.targets",
        "three deep",
    ),
    "targets of a batch": (
        put("data", value={"inputs": [[[1], [2]]], "targets": [[1]]}),
        "$.data.targets",
        "expected one for each of 2",
    ),
    "a step without items": (
        put("data", value={"inputs": [[]]}),
        "$.data.inputs[0]",
        "a list of 0; expected 1 to 4,096",
    ),
    "a wide vector": (put("data", value={"inputs": [[0] * 4097]}), "$.data.inputs[0]", "expected 1 to 4,096"),
    "many inputs": (put("data", value={"inputs": [0] * 100_001}), "$.data.inputs", "expected 1 to 100,000"),
    "empty text": (put("data", value={"text": ""}), "$.data.text", "length >= 1"),
    "one word": (
        put("data", value={"text": " a ", "level": "words"}),
        "$.data.text",
        "1 words; expected 2 to",
    ),
    "a level": (
        put("data", value={"text": "ab", "level": "word"}),
        "$.data.level",
        '"characters" or "words"',
    ),
    "unknown in text": (
        put("data", value={"text": "abc", "vocabulary": ["a", "b"]}),
        "$.data.text (number 3 of its characters)",
        '"c" is not',
    ),
    "an empty sequence": (
        put("data", value={"sequences": [{}]}),
        "$.data.sequences[0]",
        "neither inputs nor targets",
    ),
    "unlike sequences": (
        put("data", value={"sequences": [{"inputs": [1]}, {"inputs": ["a"]}]}),
        "$.data.sequences[1].inputs",
        "another kind",
    ),
    "targets missing": (
        put("data", value={"sequences": [{"inputs": [1], "targets": [1]}, {"inputs": [1]}]}),
        "$.data.sequences[1].targets",
        "the first sequence has them",
    ),
    "a batch as sequence": (
        put("data", value={"sequences": [{"inputs": [[[1]]]}]}),
        "$.data.sequences[0].inputs",
        "three deep",
    ),
    # parameters and initial
    "a ragged matrix": (
        put("parameters", "W_hy", 2, value=[1.0, 2.0]),
        "$.parameters.W_hy[2]",
        "a row of 2; expected 1",
    ),
    "a number among rows": (
        put("parameters", "W_hy", 2, value=1.0),
        "$.parameters.W_hy[2]",
        "a number among rows",
    ),
    "three deep": (
        put("parameters", "W_hh", value=[[[1.0]]]),
        "$.parameters.W_hh[0][0]",
        "expected a number",
    ),
    "a string": (put("parameters", "W_hh", value=[["1"]]), "$.parameters.W_hh[0][0]", "expected a number"),
    "true": (put("parameters", "W_hh", value=True), "$.parameters.W_hh", "expected a number"),
    "null": (put("parameters", "W_hh", value=None), "$.parameters.W_hh", "expected a number"),
    "an object": (put("parameters", "W_hh", value={}), "$.parameters.W_hh", "expected a number"),
    "an empty vector": (put("parameters", "b_h", value=[]), "$.parameters.b_h", "a list of 0"),
    "an empty row": (put("parameters", "W_hh", value=[[]]), "$.parameters.W_hh[0]", "a list of 0"),
    "a long vector": (put("parameters", "b_h", value=[0] * 4097), "$.parameters.b_h", "expected 1 to 4,096"),
    "a name": (put("parameters", "W hh", value=1), '$.parameters["W hh"]', "expected a name"),
    "a name that attacks": (
        put("parameters", "\x1b[2J", value=1),
        '$.parameters["\\u001b[2J"]',
        "expected a name",
    ),
    "an initial state": (put("initial", "h[1]", value=1), '$.initial["h[1]"]', 'such as "h" or "h[-1]"'),
    "initial as a list": (put("initial", value=[1]), "$.initial", "expected object, got list"),
    # training
    "iterations and epochs": (put("training", "epochs", value=2), "$.training", "has iterations and epochs"),
    "10^12 iterations": (put("training", "iterations", value=10**12), "$.training.iterations", "<= 10000000"),
    "a long run": (
        put("training", "iterations", value=10**7),
        "$.training",
        "a run of 40,000,000 time steps",
    ),
    "an optimizer": (
        put("training", "optimizer", "name", value="adma"),
        "$.training.optimizer.name",
        '"adma"; did you mean "adam',
    ),
    "no such optimizer": (
        put("training", "optimizer", "name", value="zzz"),
        "$.training.optimizer.name",
        "one of sgd, ",
    ),
    "no optimizer": (
        put("training", "optimizer", value={}),
        "$.training.optimizer",
        "either a name or equations",
    ),
    "two optimizers": (
        put("training", "optimizer", "equations", value=["w = g"]),
        "$.training.optimizer",
        "either a name or equations",
    ),
    "a constant": (
        put("training", "optimizer", "learning_rate", value="fast"),
        "$.training.optimizer.learning_rate",
        "a number",
    ),
    "clip": (put("training", "clip", "kind", value="l2"), "$.training.clip.kind", '"value" or "norm"'),
    "limit": (put("training", "clip", "limit", value=0), "$.training.clip.limit", "> 0"),
    "no limit": (
        put("training", "clip", value={"kind": "norm"}),
        "$.training.clip.limit",
        "required, but missing",
    ),
    "window": (put("training", "window", value=0), "$.training.window", ">= 1"),
    "reduction": (
        put("training", "reduction", value={"time": "max"}),
        "$.training.reduction.time",
        '"sum" or "mean"',
    ),
    "last window": (
        put("training", "last_window", value="cut"),
        "$.training.last_window",
        '"keep" or "drop"',
    ),
    "frozen twice": (put("training", "frozen", value=["a", "a"]), "$.training.frozen[1]", "named twice"),
    "carry": (
        put("training", "carry", value=1),
        "$.training.carry",
        "expected true or false, got whole number",
    ),
    # generation
    "length": (put("generation", "length", value=10**12), "$.generation.length", "<= 100000"),
    "prompt": (put("generation", "prompt", value=" "), "$.generation.prompt", "no token"),
    "mode": (put("generation", "mode", value="best"), "$.generation.mode", '"greedy" or "sample"'),
    "temperature": (put("generation", "temperature", value=0), "$.generation.temperature", "> 0"),
    "top_k": (put("generation", "top_k", value=0), "$.generation.top_k", ">= 1"),
    "seed": (put("generation", "seed", value=-1), "$.generation.seed", ">= 0"),
    # addresses
    "a phase": (put("cursor", value="1:sideways:1:h"), "$.cursor", "is no address"),
    "t in an update": (put("cursor", value="1:update:3:w"), "$.cursor", "is no address"),
    "a parameter going forward": (put("cursor", value="1:forward:W:h"), "$.cursor", "is no address"),
    "t from 0": (put("cursor", value="1:forward:0:h"), "$.cursor", "is no address"),
    "a partial address": (
        put("marks", 0, "address", value="1:forward"),
        "$.marks[0].address",
        "is no address",
    ),
    "an address that attacks": (put("cursor", value="\x1b[2J\n"), "$.cursor", r'"\u001b[2J\n" is no address'),
    **{
        f"an edit: {what}": (put("edits", value=[edit]), f"$.edits[0]{path}", message)
        for what, edit, path, message in (
            ("no value", {"address": "1:forward:1:h"}, ".value", "required, but missing"),
            ("of nothing", {"value": 1}, "", "has nothing; expected one of address, parameter"),
            ("of two", {"input": 1, "target": 1, "value": 1}, "", "has input and target; expected one"),
            (
                "misspelt",
                {"adress": "1:forward:1:h", "value": 1},
                "",
                'unknown member "adress"; did you mean',
            ),
            ("index", {"address": "1:forward:1:h", "index": [-1], "value": 1}, ".index[0]", ">= 0"),
            ("sequence", {"address": "1:forward:1:h", "sequence": 0, "value": 1}, ".sequence", ">= 1"),
            ("address", {"address": "1:forward:h", "value": 1}, ".address", "is no address"),
            ("a gradient", {"address": "1:backward:1:h", "value": 1}, ".address", "a gradient follows"),
            (
                "an update",
                {"address": "1:update:W_hh:w", "value": 1},
                ".address",
                "what an optimizer computes",
            ),
            ("state", {"initial": "h[1]", "value": 1}, ".initial", 'expected a state, such as "h"'),
            ("iteration", {"input": 1, "iteration": 1, "value": "hi"}, ".iteration", "goes with a parameter"),
            ("null", {"input": 1, "value": None}, ".value", "null is for a target alone"),
            ("text", {"parameter": "W_hh", "value": "0.5"}, ".value", '"0.5"; expected a finite number'),
            (
                "not finite",
                {"parameter": "W_hh", "value": "NaN"},
                ".value",
                '"NaN"; expected a finite number',
            ),
            ("too large", {"parameter": "W_hh", "value": 10**309}, ".value", "beyond float64"),
            ("a list", {"parameter": "W_hh", "value": [1]}, ".value", "expected number or string or null"),
            ("a truth", {"parameter": "W_hh", "value": True}, ".value", "expected number or string or null"),
        )
    },
}


@pytest.mark.parametrize(("change", "path", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(change: Change, path: str, message: str) -> None:
    document = example()
    change(document)
    error = refused(document)
    assert error.path == path
    assert message in error.what


def test_too_many_numbers_in_all_parameters() -> None:
    document = example()
    document["parameters"] |= {f"W{k}": [[0] * 1000] * 1000 for k in range(4)}
    assert "values in one file" in refused(document).what
    rows = tuple((0.0,) * 2000 for _ in range(1001))
    many = Replay(equations=("h = x",), data=Data(steps=1), parameters={"a": rows, "b": rows})
    with pytest.raises(ReplayError, match=r"\$.parameters: 4,004,000 numbers"):
        replays.checks.check(many)


def test_null_stands_for_what_is_not_there() -> None:
    document = example() | {"generation": None, "cursor": None}
    document["training"]["window"] = None
    replay = loads(json.dumps(document).encode())
    assert (replay.generation, replay.cursor) == (None, None)
