"""Replays: what is written is read back, and the lessons and the documentation are what they say."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine import replay as replays
from rnn_engine.errors import ReplayError
from rnn_engine.replay import (
    Data,
    Edit,
    Generation,
    Mark,
    Optimizer,
    Replay,
    Training,
    dumps,
    load,
    loads,
)
from rnn_engine.replay.schema import Record
from rnn_engine.session import Session
from tests.replays import DOCUMENT, EXAMPLES, LESSONS, example
from tools import make_lessons


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_documentation_loads_and_comes_back(text: str) -> None:
    replay = loads(text.encode())
    assert loads(dumps(replay)) == replay


def test_the_documentation_names_every_member() -> None:
    records = [record for record in vars(replays.schema).values() if _is_record(record)]
    names = {field for record in records for field in record.__struct_fields__} - {"constants"}
    assert len(names) > 40
    assert {name for name in names if f"`{name}`" not in DOCUMENT} == set()


def _is_record(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Record) and value is not Record


def test_a_loaded_replay_has_what_the_file_says() -> None:
    replay = loads(EXAMPLES[0].encode())
    assert replay.parameters["W_xh"] == ((0.5, -0.3, 0.8, 0.0),)
    assert replay.data.inputs == ("hi", "there", "class", "!")
    assert replay.training is not None
    assert replay.training.optimizer == Optimizer(name="sgd", constants={"learning_rate": 0.1})
    assert replay.training.frozen == ("b_h", "b_y")
    assert replay.training.carry
    assert replay.marks[0].address == "1:backward:3:h"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_saving_a_lesson_gives_the_same_bytes(path: Path) -> None:
    assert dumps(load(path)) == path.read_bytes()


def test_the_lessons_are_what_their_sources_make(tmp_path: Path) -> None:
    make_lessons.main(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {p.name: p.read_bytes() for p in LESSONS}
    assert len(LESSONS) == 14


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_what_to_look_for(path: Path) -> None:
    replay = load(path)
    assert len(replay.notes) <= 230
    assert 2 <= len(re.findall(r"\.( |$)", replay.notes)) <= 3
    assert 3 <= len(replay.marks) <= 6
    assert all(mark.name and 0 < len(mark.note) <= 76 for mark in replay.marks)
    Session.load(path)  # its marks and its cursor stand at steps of the run


def test_the_edits_of_the_documentation_fit_their_session() -> None:
    [text] = [text for text in EXAMPLES if '"input": 3' in text]
    session = Session(loads(text.encode()))
    assert len(session.edits) == 5
    assert dumps(session.to_replay()) == dumps(loads(text.encode()))


def test_layout_is_for_people() -> None:
    text = dumps(loads(EXAMPLES[0].encode())).decode()
    assert '    "W_xh": [[0.5, -0.3, 0.8, 0.0]],\n' in text
    assert '    "W_hy": [\n      [1.0],\n      [0.5],\n      [-0.5],\n      [0.0]\n    ],\n' in text
    assert '    "optimizer": {"name": "sgd", "learning_rate": 0.1},\n' in text
    assert text.endswith("}\n")
    assert "edits" not in text  # at its default


def test_long_lists_are_wrapped_and_come_back() -> None:
    replay = Replay(equations=("f = x",), data=Data(inputs=tuple(range(500))), parameters={})
    data = dumps(replay)
    assert max(map(len, data.splitlines())) <= 101
    assert loads(data) == replay


def test_text_is_written_as_escaped_ascii_and_kept() -> None:
    evil = "\x1b]0;owned\x07 \x9b2J \u202e \x7f [@click=app.quit]x[/] \ud800 \U0001f600"
    document = example() | {"title": evil, "notes": evil}
    document["data"] = {"inputs": [evil, "b"]}
    document["marks"] = [{"address": "1:forward:1:h", "name": evil, "note": evil}]
    data = dumps(loads(json.dumps(document).encode()))
    assert all(byte == 10 or 32 <= byte < 127 for byte in data)
    replay = loads(data)
    assert replay.title == replay.notes == replay.marks[0].name == replay.marks[0].note == evil
    assert replay.data.inputs == (evil, "b")


def test_numbers_that_are_not_finite_are_strings() -> None:
    document = example()
    document["parameters"]["b_y"] = ["NaN", "Infinity", "-Infinity", -0.0]
    data = dumps(loads(json.dumps(document).encode()))
    assert b'["NaN", "Infinity", "-Infinity", -0.0]' in data
    assert dumps(loads(data)) == data
    values = loads(data).parameters["b_y"]
    assert isinstance(values, tuple)
    assert str(values) == "(nan, inf, -inf, -0.0)"


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20)
token = st.text(min_size=1, max_size=5)
identifier = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def rows(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    """Scalars, vectors and matrices."""
    width = st.shared(st.integers(1, 4), key="width")
    row = width.flatmap(lambda n: st.tuples(*[numbers] * n))
    matrix = width.flatmap(lambda n: st.lists(st.tuples(*[numbers] * n), min_size=1, max_size=4).map(tuple))
    return st.one_of(numbers, row, matrix)


number = st.one_of(finite, st.integers(-(2**70), 2**70))
datas = st.one_of(
    st.builds(Data, steps=st.integers(1, 100_000)),
    st.builds(Data, text=st.text(min_size=2, max_size=20), level=st.sampled_from([None, "characters"])),
    st.builds(Data, inputs=st.lists(token, min_size=1, max_size=60).map(tuple)),
    st.builds(Data, targets=st.lists(st.one_of(st.none(), number), min_size=1, max_size=60).map(tuple)),
)
trainings = st.builds(
    Training,
    optimizer=st.one_of(
        st.none(),
        st.builds(
            Optimizer,
            name=st.sampled_from(replays.OPTIMIZERS),
            constants=st.dictionaries(identifier.filter(lambda n: n not in ("name", "equations")), finite),
        ),
    ),
    window=st.one_of(st.none(), st.integers(1, 9)),
    carry=st.booleans(),
    iterations=st.one_of(st.none(), st.integers(1, 100)),
    frozen=st.lists(identifier, unique=True, max_size=3).map(tuple),
)
documents = st.builds(
    Replay,
    title=text,
    notes=text,
    equations=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=4).map(tuple),
    data=datas,
    parameters=st.dictionaries(identifier, rows(finite), max_size=3),
    initial=st.dictionaries(identifier, rows(finite), max_size=2),
    training=st.one_of(st.none(), trainings),
    evaluate=st.booleans(),
    generation=st.one_of(st.none(), st.builds(Generation, prompt=st.tuples(token), length=st.integers(1, 9))),
    edits=st.lists(
        st.one_of(
            st.builds(
                Edit,
                address=st.sampled_from(["1:forward:2:h", "3:evaluate:1:p"]),
                index=st.lists(st.integers(0, 9), max_size=2).map(tuple),
                sequence=st.integers(1, 9),
                value=finite,
            ),
            st.builds(Edit, parameter=identifier, iteration=st.none() | st.integers(1, 9), value=finite),
            st.builds(Edit, input=st.integers(1, 9), value=finite | st.text(max_size=5)),
            st.builds(Edit, target=st.integers(1, 9), value=st.none() | finite | st.text(max_size=5)),
            st.builds(Edit, initial=st.sampled_from(["h", "h[-2]"]), value=finite),
        ),
        max_size=3,
    ).map(tuple),
    marks=st.lists(st.builds(Mark, address=st.just("1:update:W:w"), name=text, note=text), max_size=3).map(
        tuple
    ),
)


@given(documents)
def test_what_is_written_is_read_back(replay: Replay) -> None:
    data = dumps(replay)
    assert loads(data) == replay
    assert dumps(loads(data)) == data


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ReplayError):
        loads(data)


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    whole = dumps(loads(EXAMPLES[0].encode()))
    at = data.draw(st.integers(0, len(whole) - 1))
    with_other = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, 9)) :]
    for damaged in (whole[:at], with_other):
        with suppress(ReplayError):
            loads(damaged, "some.json")
