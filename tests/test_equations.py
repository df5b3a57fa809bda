"""The language: what it reads, and what it refuses with which words at which place."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.core.errors import EquationError
from rnn_engine.core.language import MAX_DELAY, MAX_DEPTH, MAX_LINE
from rnn_engine.core.operations import FUNCTIONS
from rnn_engine.core.plan import make_plan
from tests.engine import plan_of
from tests.reference import Case
from tests.strategies import cases

Shapes = dict[str, tuple[int, ...]]


def program(text: str, parameters: Shapes | None = None, **given: Any) -> Program:
    return compile_equations(text.split("\n"), parameters or {}, **given)


def refusal(text: str, parameters: Shapes | None = None, **given: Any) -> EquationError:
    with pytest.raises(EquationError) as caught:
        program(text, parameters, **given)
    return caught.value


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("text", "parameters", "data", "place", "words"),
    [
        ("h = W @ x", {"W": (2, 2)}, {"x": (4,)}, (1, 5), ["W @ x", "a 2×2 matrix", "a vector of 4"]),
        ("h = tanh(x + W @ x)", {"W": (3, 4)}, {"x": (4,)}, (1, 10), ["a vector of 4 and a vector of 3"]),
        ("a = 1\nh = b * c", {"b": (2,), "c": (3,)}, {}, (2, 5), ["b * c", "a vector of 2", "a vector of 3"]),
        ("h = b + c", {"b": (1,), "c": (3,)}, {}, (1, 5), ["a vector of 1 and a vector of 3"]),
        ("h = W", {"W": (2, 2)}, {}, (1, 1), ["a 2×2 matrix can only stand left of @"]),
        ("h = b @ c", {"b": (2,), "c": (3,)}, {}, (1, 5), ["a vector of 2 @ a vector of 3"]),
        ("h = x @ x", {}, {"x": ()}, (1, 5), ["a scalar @ a scalar; expected two vectors"]),
        ("h = b @ W", {"b": (2,), "W": (2, 4)}, {}, (1, 5), ["a vector of 2 @ a 2×4 matrix"]),
        ("h = (2 * W) @ x", {"W": (2, 4)}, {"x": (4,)}, (1, 6), ["a 2×4 matrix can only stand left of @"]),
        ("p = softmax(x)", {}, {"x": ()}, (1, 5), ["softmax of a scalar; expected a vector"]),
        ("h = concat(W, x)", {"W": (2, 4)}, {"x": (4,)}, (1, 5), ["a matrix cannot be concatenated"]),
        ("h = sum(W)", {"W": (2, 4)}, {}, (1, 5), ["a 2×4 matrix"]),
        ("h = squared_error(x, y)", {}, {"x": (2,), "y": (3,)}, (1, 5), ["a vector of 2", "a vector of 3"]),
        ("loss = 2 * x", {}, {"x": (3,)}, (1, 1), ["loss is a vector of 3; expected a scalar"]),
        (
            "h = h[t-1] + x",
            {},
            {"x": (3,), "initial": {"h": (2,)}},
            (1, 5),
            ["a vector of 2", "a vector of 3"],
        ),
        (
            "h = sum(h[t-1])",
            {},
            {"initial": {"h": (2,)}},
            (1, 1),
            ["h is a scalar", "initial value is a vector of 2"],
        ),
        (
            "p = softmax(x)\nloss = cross_entropy(p, y)",
            {},
            {"x": (3,), "y": (4,)},
            (2, 8),
            ["a prediction that is a vector of 3, a target that is a vector of 4"],
        ),
    ],
)
def test_shapes_that_do_not_fit(
    text: str, parameters: Shapes, data: dict[str, Any], place: tuple[int, int], words: list[str]
) -> None:
    """The message has line, column and both shapes."""
    error = refusal(text, parameters, **data)
    assert (error.line, error.column) == place
    assert str(error).startswith("equation {}, column {}: ".format(*place))
    for word in words:
        assert word in str(error)
    assert "\n" not in str(error)


def test_shapes_follow_from_the_equations() -> None:
    text = (
        "v = r * v[t-1] * (1 - v[t-1])\nh = tanh(W @ x + h[t-2])\ns = mean(h)\nc = concat(s, h, v)\nd = h @ h"
    )
    found = program(text, {"r": (), "W": (3, 2)}, x=(2,))
    assert dict(found.shapes) == {"v": (), "h": (3,), "s": (), "c": (5,), "d": ()}
    assert dict(found.delays) == {"v": 1, "h": 2}
    assert found.states == ("v", "h")
    assert list(found.parameters) == ["r", "W"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("h = W_xh @ x + W_xj @ x", (1, 16), "unknown name 'W_xj'; did you mean 'W_xh'?"),
        ("h = W_xh @ x\nz = hh[t-1]", (2, 5), "'hh' is not assigned by any equation"),
        (
            "h = W_xh @ x[t-1]",
            (1, 12),
            "'x' is data and has no other time step here; expected `e = x` first, then e[t-1]",
        ),
        ("h = W_xh @ tahn(x)", (1, 12), "unknown function 'tahn'; did you mean 'tanh'?"),
        ("h = W_xh @ x\nloss = sum(h - y)", (2, 16), "the text reads 'y', but the data have no targets"),
        ("h = W_xh @ x\nh = x", (2, 1), "'h' is assigned again (first in equation 1)"),
        ("W_xh = x", (1, 1), "'W_xh' is both a parameter and assigned"),
        ("y = W_xh @ x", (1, 1), "'y' cannot be assigned, it is the targets; call the output p, o or z"),
        ("x = 1", (1, 1), "'x' cannot be assigned, it is the inputs"),
        ("t = 1", (1, 1), "'t' cannot be assigned"),
        ("a = b + 1\nb = W_xh @ x + c\nc = a", (3, 5), "a → b → c → a is a circle within one time step"),
        ("a = a + W_xh @ x", (1, 5), "a → a is a circle"),
        ("a = b[t+1] + W_xh @ x\nb = a[t-1]", (1, 5), "a, b need each other at earlier and at later t"),
        ("h = h[t-1] + h[t+1] + W_xh @ x", (1, 14), "expected one direction a cycle"),
        ("h = 1", (None, None), "parameter 'W_xh' is used by no equation"),
        ("# nothing\n", (None, None), "there is no equation"),
    ],
)
def test_names_that_mean_nothing(text: str, place: tuple[int | None, int | None], words: str) -> None:
    error = refusal(text, {"W_xh": (2, 4)}, x=(4,))
    assert words in str(error)
    assert (error.line, error.column) == place


def test_inputs_that_are_not_there() -> None:
    assert "the text reads 'x', but the data have no inputs" in str(refusal("h = x"))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_names_of_functions_are_reserved(name: str) -> None:
    assert "reserved" in str(refusal(f"{name} = 1"))
    assert "reserved" in str(refusal("h = 1", {name: ()}))


@pytest.mark.parametrize("name", ["x", "y", "t"])
def test_a_parameter_cannot_be_called_like_the_data(name: str) -> None:
    assert "reserved" in str(refusal("h = 1", {name: ()}))


def test_an_initial_value_that_nobody_reads() -> None:
    assert "initial value of 'h': no equation reads h[t-1]" in str(refusal("h = 1", initial={"h": ()}))


def test_which_unused_parameter_is_named_does_not_depend_on_the_hash_seed() -> None:
    assert "'W_a'" in str(refusal("h = 1", {f"W_{c}": () for c in "zyxcba"}))


def test_columns_count_characters_of_the_line_as_written() -> None:
    """Not bytes, and with the spaces before the equation."""
    error = refusal("h = α * α + q", {"α": ()})
    assert error.column == 13
    assert refusal("   h = q").column == 8
    assert refusal("   h = (").column == 8


# ---------------------------------------------------------------- syntax


HOSTILE = [
    "h = (lambda v: v)(1)",
    "h = x.real",
    "h = x.__class__",
    "h = f'{x}'",
    "h = 'x'",
    "h = b'x'",
    "h = [v for v in x]",
    "h = {v: 1 for v in x}",
    "h = (v := 1)",
    "h = (1, 2)",
    "h = [1]",
    "h = {1}",
    "h = 1 if t else 2",
    "h = 1 < 2",
    "h = t and t",
    "h = not t",
    "h = ~t",
    "h = +t",
    "h = t // 2",
    "h = t % 2",
    "h = t << 2",
    "h = True",
    "h = None",
    "h = ...",
    "h = 1j",
    "h = await x",
    "h = yield",
    "h = *x",
    "h = tanh(*x)",
    "h = tanh(**x)",
    "h = tanh(v=1)",
    "h = tanh(1, 2)",
    "h = clip(1)",
    "h = concat()",
    "h = print(1)",
    "h = __import__('os')",
    "h = tanh(1)(2)",
    "h = x()",
    "h = x[0]",
    "h = x[1:2]",
    "h = h[t-0]",
    f"h = h[t-{MAX_DELAY + 1}]",
    "h = h[t-1.0]",
    "h = h[t-True]",
    "h = h[-1]",
    "h = h[t-1][t-1]",
    "h = h[1+t]",
    "h = h[t-k]",
    "h = h[h]",
    "import os",
    "h",
    "h +",
    "h += 1",
    "h: int = 1",
    "h = g = 1",
    "h, g = 1",
    "h[t] = 1",
    "h.a = 1",
    "(h) = = 1",
    "h = 1; g = 2",
    "h = 1\rg = 2",
    "h = (1 +\x0c 2)",
    "h = \\",
    "h = “1”",
    "h = \ud800",
    "h = a\0b",
    "\0",
    "del h",
    "h = (",
    "h = )",
    "await = 1",
    "h = 0777",
    f"h = {'9' * 1900}",
    f"h = {'9' * 400}.0",
    "h = 1e999",
    "h = -1e999",
    f"h = {'(' * 300}1{')' * 300}",
    f"h = {'-' * 1900}1",
    f"h = {'not ' * 490}1",
    f"h = {'x.' * 900}x",
    f"h = x{'()' * 900}",
    f"h = x{'[t]' * 600}",
    f"h = {'[' * 190}1{']' * 190}",
    f"h = {'tanh(' * (MAX_DEPTH + 1)}1{')' * (MAX_DEPTH + 1)}",
    f"h = {'2 ** ' * 390}2",
    f"h = h[{'-' * 1900}t]",
    f"h = h[t-{'9' * 1900}]",
    f"h = {'x + ' * 2500}x",
    f"h = {'a' * 10_000}",
    f"# {'a' * 10_000}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:30]))
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(EquationError) as caught:
        compile_equations([text], {}, x=())
    error = caught.value
    assert error.line == 1 and error.column is not None
    assert 1 <= error.column <= len(text) + 1
    assert len(str(error)) < 250
    assert "\n" not in str(error)


@given(st.text(alphabet="hxyt=()[]+-*/@.,:#'\"\\ 019_\n\t\0α√", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compile_equations([text], {}, x=())
    except EquationError as error:
        assert error.what


@pytest.mark.parametrize(
    "text",
    [
        f"h = {'1 + ' * MAX_DEPTH}1",
        f"h = {'(' * 150}1{')' * 150}",
        f"h = 1 #{'a' * (MAX_LINE - 7)}",
        f"h = h[t-{MAX_DELAY}]",
        "  h   =   1_000 + 0x10 + 1e-3 + .5  # four ways",
        "h = h[ t - 1 ] + t[t]",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_odd_but_in_the_language(text: str) -> None:
    assert list(program(text).equations) == ["h"]


def test_empty_lines_and_comments_count_as_lines() -> None:
    assert refusal("# one\n\nh = q").line == 3


# ---------------------------------------------------------------- order


def test_source_order_except_for_what_is_needed_earlier() -> None:
    found = program("p = 2 * h\nh = tanh(a)\na = h[t-1] + 1\nq = 3")
    assert found.order == ((1, ("a", "h", "p", "q")),)


def test_a_sweep_from_the_end_is_over_before_its_values_are_used() -> None:
    found = program("f = tanh(f[t-1] + x)\nb = tanh(b[t+1] + x)\no = f + b", x=())
    assert found.order == ((1, ("f",)), (-1, ("b",)), (1, ("o",)))


def test_what_the_loss_depends_on() -> None:
    found = program("h = x + h[t-1]\ne = 2 * h\nloss = squared_error(h, y)\nr = y", x=(), y=())
    assert make_plan(found).objective == {"h", "loss"}
    assert found.reads_target == {"loss", "r"}
    assert found.output == "h"


def test_classes_are_known_by_the_loss_that_reads_them() -> None:
    text = "p = softmax(x)\nloss = cross_entropy(p, y)"
    assert program(text, x=(3,), y=()).classes == 3
    assert program(text, x=(3,), y=(3,)).classes is None


@given(cases())
def test_the_order_of_the_lines_changes_no_meaning(case: Case) -> None:
    there = plan_of(case).program
    back = plan_of(dataclasses.replace(case, equations=case.equations[::-1])).program
    assert back.shapes == there.shapes
    assert back.delays == there.delays and back.leads == there.leads
    assert back.reads_target == there.reads_target
    assert {name for _, names in back.order for name in names} == set(there.equations)
