"""One number, one spelling: whatever the program prints for a number means that number when it is typed."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.errors import AddressError
from rnn_engine.labels import LONGEST, element, items, spelled
from rnn_engine.observe import observe
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.spelling import label, parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.why import why
from rnn_tui.lessons import ORDER
from rnn_tui.questions import cell_at
from rnn_tui.render.cells import Cell as At
from rnn_tui.render.cells import exact
from rnn_tui.text import safe_text
from tests.build import lesson, session

BPTT = "hi-there-class-bptt"
PRINTED = re.compile(r"[∂\w]+(?:\[[^\[\]]+\])+")
"""What looks like a number in a sentence."""


def places(s: Session) -> Iterator[int]:
    """Steps of every kind of phase and stop: those of the first two iterations, and of what follows the last."""
    seen: set[tuple[str, str | int, str]] = set()
    for number in dict.fromkeys((1, min(2, s.schedule.iterations), s.schedule.iterations)):
        for phase in s.schedule.phases(number):
            for i, (place, equation) in enumerate(phase.stops):
                key = (phase.name, place if isinstance(place, str) else int(place != 0), equation)
                if key not in seen:
                    seen.add(key)
                    yield phase.first + i


def spots(shown: Snapshot) -> Iterator[tuple[str, str, int, int]]:
    """A few cells of every matrix: its corners."""
    for pane, matrices in shown.panes.items():
        for matrix in matrices:
            rows, columns = matrix.values.shape
            for row in sorted({0, rows - 1}):
                for column in sorted({0, columns - 1}):
                    yield pane, matrix.key, row, column


def same(s: Session, timeline: Timeline, one: Cell, other: Cell) -> bool:
    """Whether two cells are one number: a weight after its update is that before the next one."""
    if one == replace(other, sequence=one.sequence, so_far=one.so_far):
        return True
    found = why(s, timeline, one), why(s, timeline, other)
    return found[0].label == found[1].label and found[0].value == found[1].value


@pytest.mark.parametrize("name", ORDER)
def test_what_is_printed_is_read_back(name: str) -> None:
    s = lesson(name)
    timeline = Timeline(s.run)
    for index in places(s):
        shown = observe(s, timeline, index)
        for spot in spots(shown):
            cell = cell_at(s, shown, spot)
            if isinstance(cell, str):
                continue
            matrices = shown.panes[spot[0]]
            at = next(i for i, matrix in enumerate(matrices) if matrix.key == spot[1])
            title = exact(At(at, spot[2], spot[3]), matrices)[0]
            found = parse_cell(s, timeline, shown.address, title)
            assert same(s, timeline, found, cell), (shown.address, title)
            written = safe_text(label(s, cell))
            assert parse_cell(s, timeline, shown.address, written) == found, (shown.address, written)
        for sentence in shown.narration:
            for text in PRINTED.findall(sentence):
                vector = len(s.program.shapes.get(text.removeprefix("∂").split("[")[0], ()))
                if text.count("[") > vector:
                    parse_cell(s, timeline, shown.address, text)


@pytest.mark.parametrize("name", ORDER)
def test_so_are_the_terms_of_an_answer(name: str) -> None:
    s = lesson(name)
    timeline = Timeline(s.run)
    for index in places(s):
        shown = observe(s, timeline, index)
        for spot in spots(shown):
            cell = cell_at(s, shown, spot)
            if isinstance(cell, str):
                continue
            try:
                answer = why(s, timeline, cell)
            except AddressError:
                continue  # a target that is missing
            for term in answer.terms:
                if term.source is None:
                    continue
                assert term.label.removesuffix(" before") == label(s, term.source)
                seen_from = term.address or answer.address or shown.address
                found = parse_cell(s, timeline, seen_from, term.label, term.source.sequence)
                assert same(s, timeline, found, term.source), (seen_from, term.label)


@pytest.mark.parametrize(
    ("name", "address", "spellings"),
    [
        (BPTT, "1:backward:4:z", (
            "∂z[4][!]", "∂z[4][3]", "dz[4][3]", "∂z[3]", "dz[!]", "∂ z [4] [ ! ]", "∂z[4, 3]", '∂z["!"]',
        )),
        (BPTT, "1:forward:3:a", ("W_xh[0,class]", "W_xh[0, class]", "W_xh[0,2]", "W_xh[0][2]", ' W_xh [0 , "class"]')),
        (BPTT, "1:forward:3:h", ("h[2][0]", "h[2]", "h[t-1][0]", "h[t - 1]", "h[2, 0]")),
        (BPTT, "1:forward:3:a", ("x[3][class]", "x[3]", "x[3][2]", "x[class]", "x[t]", "x")),
        (BPTT, "1:forward:3:loss", ("loss[3]", "loss", "loss[t]")),
        (BPTT, "1:forward:1:a", ("h[0][0]", "h[t-1][0]")),
        (BPTT, "1:backward:3:a", ("∂W_hh[0,0] so far", "dW_hh[0,0]", "∂W_hh")),
        ("exploding-and-clipping", "1:update:W_hh:w", ("W_hh[0,0]", "W_hh [0] [0]")),
        ("exploding-and-clipping", "1:update:W_hh:g", ("g of W_hh[0,0]", "g[0,0]", "g of W_hh [0, 0]")),
    ],
)  # fmt: skip
def test_ways_to_write_one_number(name: str, address: str, spellings: tuple[str, ...]) -> None:
    s = lesson(name)
    found = [parse_cell(s, Timeline(s.run), address, text) for text in spellings]
    assert len(set(found)) == 1, dict(zip(spellings, found, strict=True))
    assert label(s, found[0]) == spellings[0]


@pytest.mark.parametrize(
    ("address", "text", "words"),
    [
        ("1:forward:2:h", "z[nobody]", "z is a vector of 4; expected z[0] to z[3], or z[2][0] to z[2][3]"),
        ("1:forward:2:h", "z[9][0]", "there is no time step 9 of z here; expected 1 to 4"),
        ("1:forward:2:h", "h[-1][0]", "there is no time step -1 of h here; expected 0 to 4"),
        ("1:forward:2:h", "∂h[0][0]", "there is no time step 0 of h here; expected 1 to 4"),
        ("1:forward:2:h", "W_xh[1,class]", "W_xh is 1×4; expected W_xh[0,0] to W_xh[0,3]"),
        ("1:update:W_hh:w", "h[0]", "has no time step; expected a parameter, one such as h[1][0]"),
        ("1:update:W_hh:w", "v of W_hh[0,0]", "there is no v of W_hh; expected w"),
        ("1:forward:2:h", "h[", "is no cell"),
        ("1:forward:2:h", "x" * 5000, "is no cell"),
    ],
)
def test_a_refusal_says_what_there_is(address: str, text: str, words: str) -> None:
    s = lesson(BPTT)
    with pytest.raises(AddressError, match=re.escape(words)):
        parse_cell(s, Timeline(s.run), address, text)


def test_an_earlier_window_is_named_by_the_time_step() -> None:
    s = lesson("truncated-bptt")
    window = s.schedule.window(2)
    found = parse_cell(s, Timeline(s.run), f"2:forward:{window.start + 1}:h", f"h[{window.start}][0]")
    assert (found.iteration, found.t) == (1, window.start)


TOKENS = st.lists(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=LONGEST + 2)
    | st.sampled_from(["0", "1", "-1", "t", "t-1", " ", "\n", ",", "]", "[", '"', "\\", "␣", "", "a b", "t + 1"]),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@given(TOKENS)
def test_every_label_is_read_back_as_a_terminal_shows_it(tokens: list[str]) -> None:
    for at in range(len(tokens)):
        shown = safe_text(f"[{spelled(tokens, at)}]")
        (item,) = items(shown)
        assert element(item, tokens, len(tokens)) == at, shown


def test_labels_that_look_like_numbers_are_quoted_and_words_are_not() -> None:
    assert [spelled(("1", "0", "there", "!", " "), at) for at in range(6)] == [
        '"1"', '"0"', "there", "!", '" "', "5",
    ]  # fmt: skip
    assert spelled(("0", "1"), 1) == "1"
    assert spelled((string.ascii_letters,), 0) == "0"


def test_white_space_may_be_typed_as_it_is_shown() -> None:
    assert element("␣", ("a", " "), 2) == 1


def test_a_label_of_two_digits_is_no_number_of_an_element() -> None:
    s = session(
        "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)",
        {"W": [[0.1, 0.2], [0.3, 0.4]]},
        data={"vocabulary": ["1", "0"], "inputs": ["0", "1"], "targets": ["1", "0"]},
    )
    timeline = Timeline(s.run)
    assert label(s, parse_cell(s, timeline, "1:forward:1:z", "z[1][1]")) == 'z[1]["0"]'
    assert parse_cell(s, timeline, "1:forward:1:z", 'z[1]["1"]').index == (0,)
