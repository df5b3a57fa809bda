"""Why this number, case by case: what the terms are, how a cell is named, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from rnn_engine.errors import AddressError
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import Why, why
from rnn_tui import cli
from rnn_tui.headless.why import lines
from tests.build import document, lesson, session
from tests.test_why import Asked, check_session

SMALL = "h = tanh(w * x + u * h[t-1])\nloss = half_squared_error(h, y)"
WEIGHTS = {"w": 0.3, "u": -0.2}
THREE = {"inputs": [0.5, -1.0, 2.0], "targets": [0.0, 1.0, 0.5]}
SGD = {"name": "sgd", "learning_rate": 0.1}
TOKENS = {"text": "abba"}
SQUARE = {"W": [[0.1, 0.2], [0.3, -0.4]]}


def ask(s: Session, address: str, cell: str, sequence: int = 0) -> Why:
    asked = Asked(s)
    return asked(parse_cell(s, asked.timeline, address, cell, sequence))


def made_of(answer: Why) -> list[tuple[str, str]]:
    return [(term.text, term.address) for term in answer.terms]


def test_a_function_shows_the_terms_of_what_it_was_applied_to() -> None:
    s = session(SMALL, WEIGHTS, data=THREE)
    answer = ask(s, "1:forward:2:h", "h")
    assert answer.rule == "h = tanh(w * x + u * h[t-1])" and not answer.sums
    assert made_of(answer) == [("w * x[2]", ""), ("u * h[1]", "1:forward:1:h")]
    assert answer.value == pytest.approx(math.tanh(sum(term.value for term in answer.terms)))


def test_a_product_shows_its_factors_and_a_sum_of_products_leads_on_through_the_state() -> None:
    s = lesson("lstm-remembers")
    factors = made_of(ask(s, "1:forward:3:h", "h[0]"))
    assert sorted(factors) == [("(tanh(c[3]))[0]", "1:forward:3:c"), ("o[3][0]", "1:forward:3:o")]
    assert ("(f[3] * c[2])[0]", "1:forward:2:c") in made_of(ask(s, "1:forward:3:c", "c[0]"))


def test_a_carried_state_leads_to_the_window_that_made_it() -> None:
    training = {"window": 2, "epochs": 2, "optimizer": SGD}
    s = session(SMALL, WEIGHTS, data=THREE, training=training)
    assert made_of(ask(s, "4:forward:3:h", "h"))[1] == ("u * h[2]", "3:forward:2:h")
    fresh = session(SMALL, WEIGHTS, data=THREE, training={**training, "carry": False})
    assert made_of(ask(fresh, "4:forward:3:h", "h"))[1] == ("u * h[2]", "")


def test_a_state_of_later_time_steps() -> None:
    s = session("h = tanh(x + u * h[t+1])\nq = h[t+1] - h", {"u": 0.5}, data={"inputs": [1.0, 2.0, 3.0]})
    assert made_of(ask(s, "1:forward:2:q", "q"))[0] == ("h[3]", "1:forward:3:h")
    assert ("h[4]", "") in made_of(ask(s, "1:forward:3:q", "q"))
    timeline = Timeline(s.run)
    assert why(s, timeline, Cell("value", 1, "h", (), 4)).terms == ()
    with pytest.raises(AddressError, match="nothing reads h there"):
        why(s, timeline, Cell("value", 1, "h", (), 5))


@pytest.mark.parametrize(
    ("text", "stop", "terms"),
    [
        ("z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)", "z", "p[2][a]"),
        ("p = softmax(W @ x)\nloss = cross_entropy(p, y)", "p", "p[2][a]"),
        ("z = W @ x\nloss = cross_entropy(softmax(z), y)", "z", "(softmax(z[2]))[0]"),
    ],
)
def test_a_prediction_less_its_target(text: str, stop: str, terms: str) -> None:
    answer = ask(session(text, SQUARE, data=TOKENS), f"1:backward:2:{stop}", f"∂{stop}[0]")
    assert [term.text for term in answer.terms] == [f"∂loss[2] * {terms}", "-∂loss[2] * y[2][a]"]
    assert answer.sums and answer.rounding == 0.0


def test_two_softmaxes_in_one_loss() -> None:
    text = "z = W @ x\np = softmax(z)\nq = softmax(z)\nloss = cross_entropy(p, y) + 0.5 * cross_entropy(q, y)"
    answer = ask(session(text, SQUARE, data=TOKENS), "1:backward:2:z", "∂z[1]")
    assert {"∂loss[2] * p[2][b]", "∂(cross_entropy(q[2], y[2])) * q[2][1]"} < {
        term.text for term in answer.terms
    }


def test_a_weight_of_a_term_is_said() -> None:
    s = session("m = 1 - mean(W @ x)", SQUARE, data=TOKENS)
    [texts] = [[text for text, _ in made_of(ask(s, "1:forward:2:m", "m"))]]
    assert texts == ["1", "-0.5 * W[1,b] * x[2][b]", "-0.5 * W[0,b] * x[2][b]"]


def test_targets_that_are_classes_and_the_plain_chain() -> None:
    s = session(
        "p = softmax(W @ x)\nloss = cross_entropy(p, y) + 0.1 * sum(p)",
        SQUARE,
        data={"inputs": [[1.0, 2.0], [0.5, 0.1]], "targets": [1, 0]},
    )
    check_session(s)
    plain = session(
        "p = x / sum(x)\nloss = cross_entropy(p, y)", data={"inputs": [[1.0, 3.0]], "targets": [1]}
    )
    assert [(term.text, term.value) for term in ask(plain, "1:forward:1:loss", "loss").terms] == [
        ("y[1]", 1.0),
        ("p[1][1]", 0.75),
        ("p[1][0]", 0.25),
    ]


def test_a_missing_target_has_no_value_and_sends_nothing() -> None:
    s = session(SMALL, WEIGHTS, data={**THREE, "targets": [0.0, None, 0.5]})
    check_session(s)
    with pytest.raises(AddressError, match=r"^loss\[2\] has no value: there is no target$"):
        ask(s, "1:forward:2:loss", "loss")
    with pytest.raises(AddressError, match="has no value"):
        why(s, Timeline(s.run), Cell("data", 1, "y", (), 2))
    assert [t.text for t in ask(s, "1:backward:2:h", "∂h").terms][
        1
    ] == "nothing from ∂loss[2]: there is no target"


LATE = "h = W @ h[t-1] + b * x\nloss = squared_error(h[t+1], y)"
UNEQUAL = {
    "sequences": [
        {"inputs": [0.5, -1.0, 2.0], "targets": [[0.0, 1.0], [1.0, 0.5], [0.5, 2.0]]},
        {"inputs": [0.1], "targets": [[0.3, 0.2]]},
    ],
    "batch": 2,
}


def test_where_a_sequence_is_over() -> None:
    """A loss that looks ahead sees what is behind the end, and nothing comes back from there."""
    s = session(LATE, {**SQUARE, "b": [0.3, -0.5]}, data=UNEQUAL, evaluate=True)
    check_session(s)
    over = ask(s, "1:forward:3:h", "h[0]", 1)
    assert (over.rule, over.value) == ("the sequence is over: h is what it is behind its end", 0.0)
    assert made_of(over) == []
    last = ask(s, "1:backward:1:h", "∂h[0]", 1)
    nothing = ("nothing from ∂h[2][0]: the sequence is over (padded)", "1:backward:2:h")
    assert (last.value, made_of(last)) == (0.0, [nothing])
    with pytest.raises(AddressError, match=r"the sequence is over \(padded\)"):
        ask(s, "1:forward:2:loss", "loss", 1)


def test_each_sequence_of_a_batch() -> None:
    s = lesson("batch")
    answers = [ask(s, "1:forward:2:a", "a[0]", b) for b in range(s.dataset.batches[0].B)]
    trace = next(r for r in records(s, "1:forward:2:a", "1:forward:2:a"))["values"]["a"]
    assert [answer.value for answer in answers] == [row[0] for row in trace]
    assert all(t.source is None or t.source.kind == "parameter" or t.source.sequence == b
               for b, answer in enumerate(answers) for t in answer.terms)  # fmt: skip


def test_a_frozen_weight_and_one_that_moves() -> None:
    training = {"optimizer": {"name": "momentum", "learning_rate": 0.1}, "frozen": ["u"], "iterations": 3}
    s = session(SMALL, WEIGHTS, data=THREE, training=training)
    frozen = ask(s, "3:update:u:w", "u")
    assert (frozen.rule, frozen.value) == ("u is frozen", -0.2)
    assert Asked(s).root(frozen.cell).cell == Cell("parameter", 1, "u")
    moved = ask(s, "3:update:w:w", "w")
    assert {address for _, address in made_of(moved)} == {"2:update:w:w", "3:update:w:v"}
    assert {address for _, address in made_of(ask(s, "3:update:w:v", "v"))} == {
        "2:update:w:v",
        "3:backward:1:h",
    }


def test_the_gradient_before_the_root_of_its_square() -> None:
    """What Adam's step comes from is the mean of the gradients, not what it is divided by."""
    s = session(SMALL, WEIGHTS, data=THREE, training={"optimizer": {**SGD, "name": "adam"}, "iterations": 2})
    assert dict(made_of(ask(s, "2:update:w:w", "w")))[
        "-learning_rate * m_hat / (sqrt(v_hat) + epsilon)"
    ] == "2:update:w:m_hat"  # fmt: skip


def test_an_update_that_looks_two_iterations_back_and_one_with_a_single_number() -> None:
    lines = ["n = sqrt(g @ g)", "w = 1.1 * w[i-1] - 0.1 * w[i-2] - learning_rate * g / (n + 1)"]
    training = {"optimizer": {"equations": lines, "learning_rate": 0.1}, "iterations": 3}
    s = session(
        "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)", SQUARE, data=TOKENS, training=training
    )
    check_session(s)
    terms = made_of(ask(s, "3:update:W:w", "W[0,1]"))
    assert {("1.1 * w[i-1]", "2:update:W:w"), ("-0.1 * w[i-2]", "1:update:W:w")} < set(terms)
    [term] = ask(s, "3:update:W:n", "n").terms
    assert term.source is not None and len(term.source.index) == 2


def test_a_learned_initial_state() -> None:
    training = {"optimizer": SGD, "train_initial": ["h"], "epochs": 2, "window": 2}
    data = {"sequences": [THREE, {**THREE, "inputs": [1.0, 1.0, -2.0]}], "batch": 2}
    two_back = "h = tanh(w * x + u * h[t-1] + 0.5 * h[t-2])\nloss = half_squared_error(h, y)"
    s = session(two_back, WEIGHTS, data=data, training=training, initial={"h": 0.25}, evaluate=True)
    check_session(s)
    assert made_of(why(s, Timeline(s.run), Cell("value", 3, "h", (), 0, 1))) == [("h[0]", "2:update:h[0]:w")]
    sent = ask(s, "1:update:h[0]:w", "∂h[0]")
    assert {address for _, address in made_of(sent)} == {"1:backward:1:h", "1:backward:2:h"}
    assert ask(s, "2:update:h[0]:w", "∂h[0]").terms == ()


def test_what_is_not_finite() -> None:
    s = session("h = u * h[t-1] ** 2 + x", {"u": 1e300}, data={"inputs": [5.0, 5.0, -5.0]})
    answer = ask(s, "1:forward:3:h", "h")
    assert answer.value == math.inf and answer.rounding == 0.0
    assert [term.value for term in answer.terms] == [math.inf, -5.0]


def test_past_a_softmax_set_by_hand_goes_what_its_other_elements_send() -> None:
    s = session(
        "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)",
        {"W": [[0.1, 0.2], [0.3, 0.4]]},
        data={"vocabulary": ["a", "b"], "inputs": ["a"], "targets": ["a"]},
        edits=[{"address": "1:forward:1:p", "index": [1], "value": 0.9}],
    )
    timeline = Timeline(s.run)
    passes, cut = why(s, timeline, parse_cell(s, timeline, "1:backward:1:z", "∂z[1]")).terms
    assert cut.value == 0.0 and cut.text.endswith("set by hand: nothing passes") and cut.label == "∂p[1][b]"
    assert passes.value > 0.0 and "nothing passes" not in passes.text
    assert passes.source is not None and passes.address == "", "p has no stop of its own"
    assert why(s, timeline, passes.source).label == "∂p[1][a]"
    s = session(
        "a = w * x\nh = tanh(a)\nloss = h * h",
        {"w": 0.5},
        data={"inputs": [1.0]},
        edits=[{"address": "1:forward:1:h", "value": 0.9}],
    )
    (cut,) = ask(s, "1:backward:1:a", "∂a").terms
    assert cut.value == 0.0 and cut.text.endswith("set by hand: nothing passes")


def test_each_read_of_a_value_has_its_own_rule() -> None:
    """And two minus signs are told from one decrement."""
    s = session(
        "g = h[t-1] * h[t-1] + h[t-1]\nh = x + h[t-1]\nloss = g - g / h",
        {},
        data={"inputs": [0.5, 0.25]},
        initial={"h": 1.0},
    )
    rules = {term.text for term in ask(s, "1:backward:1:h", "∂h").terms}
    assert rules >= {"from ∂g[2]: ∂g[t+1] * h", "from ∂g[2]: ∂g[t+1]"}
    assert "from ∂loss[1]: -(-∂loss) / h * (g / h)" in rules


def test_shares_of_what_is_not_finite_are_unknown() -> None:
    s = session("h = w @ x", {"w": [1e300, 2.0]}, data={"inputs": [[1e300, 1.0]]})
    answer = ask(s, "1:forward:1:h", "h")
    assert [term.value for term in answer.terms] == [math.inf, 2.0]
    assert all(math.isnan(term.share) for term in answer.terms)
    text = "\n".join(lines(answer))
    assert "%" not in text and "+inf" in text


# ---------------------------------------------------------------- a cell in words

TWO = "h = tanh(W @ h[t-1] + b * x)\nd = sum(h)\ndh = d + u\nq = dh\nloss = half_squared_error(d, y)"
FULL = session(
    TWO,
    {**SQUARE, "b": [0.1, 0.2], "u": 0.5},
    data={"sequences": [THREE, THREE], "batch": 2},
    training={"optimizer": {**SGD, "name": "momentum"}, "iterations": 2, "frozen": ["b"]},
    evaluate=True,
)


@pytest.mark.parametrize(
    ("address", "text", "cell"),
    [
        ("1:forward:2:h", "h[1]", Cell("value", 1, "h", (1,), 2)),
        ("1:forward:2", " d ", Cell("value", 1, "d", (), 2)),
        ("2:backward:3:loss", "h[0]", Cell("value", 2, "h", (0,), 3)),
        ("2:backward:3:h", "∂h[0]", Cell("gradient", 2, "h", (0,), 3)),
        ("2:backward:3:h", "dd", Cell("gradient", 2, "d", (), 3)),
        ("2:backward:3:h", "dh", Cell("value", 2, "dh", (), 3)),
        ("2", "dW[0,1]", Cell("parameter gradient", 2, "W", (0, 1))),
        ("2:forward", "∂W[0][1]", Cell("parameter gradient", 2, "W", (0, 1))),
        ("2:forward:1:h", "W[1,1]", Cell("parameter", 2, "W", (1, 1))),
        ("2:evaluate:1:h", "W[1,1]", Cell("parameter", 3, "W", (1, 1))),
        ("2:evaluate:1:h", "h[1]", Cell("value", 2, "h", (1,), 1, 0, "evaluate")),
        ("2:update:W:v", "W[1,1]", Cell("parameter", 2, "W", (1, 1))),
        ("2:update:W:w", "W[1,1]", Cell("update", 2, "W", (1, 1))),
        ("2:update:b:w", "W[1,1]", Cell("update", 2, "W", (1, 1))),
        ("2:update:W:w", "b[0]", Cell("parameter", 2, "b", (0,))),
        ("2:update:W", "v[1,1]", Cell("update", 2, "W", (1, 1), equation="v")),
    ],
)
def test_a_cell_in_words(address: str, text: str, cell: Cell) -> None:
    assert parse_cell(FULL, Timeline(FULL.run), address, text) == cell
    Asked(FULL)(cell)


@pytest.mark.parametrize(
    ("address", "text", "sequence", "words"),
    [
        ("1:forward:2:h", "", 0, "is no cell; expected a name and its element"),
        ("1:forward:2:h", "h[", 0, "is no cell"),
        (
            "1:forward:2:h",
            "h[-1]",
            0,
            r"h is a vector of 2; expected h\[0\] to h\[1\], or h\[2\]\[0\] to h\[2\]\[1\]",
        ),
        ("1:forward:2:h", "h[t-1]", 0, r"h is a vector of 2; expected h\[0\] to h\[1\]"),
        ("1:forward:2:h", f"h[{'9' * 5000}]", 0, "is no cell"),
        ("1:forward:2:h", "h", 0, r"h is a vector of 2; expected h\[0\] to h\[1\]"),
        ("1:forward:2:h", "h[2]", 0, r"expected h\[0\] to h\[1\]"),
        ("1:forward:2:h", "d[0]", 0, "there is no time step 0 of d here; expected 1 to 3"),
        ("1:forward:2:h", "W[0]", 0, r"W is 2×2; expected W\[0,0\] to W\[1,1\]"),
        ("1:forward:2:h", "z", 0, "'z' is neither an equation nor a parameter"),
        ("1:forward:2:h", "∂q", 0, "the way back does not stop at 'q'; expected loss, d, h"),
        ("2:evaluate:2:h", "∂h[0]", 0, "no way back leads there from evaluate"),
        ("2:update:W:w", "h[0]", 0, "has no time step"),
        ("2:update:b:w", "v[0]", 0, "'v' is neither an equation nor a parameter"),
        ("1:forward:9:h", "h[0]", 0, "there is no time step 9"),
        ("9:forward:1:h", "h[0]", 0, "there is no iteration 9"),
        ("nowhere", "h[0]", 0, "is no address"),
        ("1:forward:2:h", "h[0]", 2, "there is no sequence 3 at 1:forward:2:h; expected 1 to 2"),
        ("1:forward:2:h", "h[0]", -1, "there is no sequence 0"),
    ],
)
def test_no_cell(address: str, text: str, sequence: int, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        parse_cell(FULL, Timeline(FULL.run), address, text, sequence)


def test_a_parameter_that_is_called_as_an_equation_of_the_update() -> None:
    s = session(
        "h = tanh(W @ x + v)\nloss = h @ h",
        {"W": [[0.5, 0.1], [0.2, 0.3]], "v": [0.1, 0.2]},
        data={"inputs": [[1.0, 2.0]]},
        training={"optimizer": {**SGD, "name": "momentum"}},
    )
    timeline = Timeline(s.run)
    momentum = Cell("update", 1, "W", (0, 1), equation="v")
    assert parse_cell(s, timeline, "1:update:W:v", "v[0,1]") == momentum
    assert parse_cell(s, timeline, "1:update:W:w", "v[1]") == Cell("parameter", 1, "v", (1,))
    assert parse_cell(s, timeline, "1:forward:1:h", "v[1]") == Cell("parameter", 1, "v", (1,))


def test_no_gradient_without_a_loss_and_no_target_in_generation() -> None:
    with pytest.raises(AddressError, match="there is no loss, so there are no gradients"):
        ask(session("h = x + h[t-1]", data={"inputs": [1.0]}), "1:forward:1:h", "∂h")
    writes = session(
        "z = W @ x\np = softmax(z)\nloss = cross_entropy(p, y)",
        SQUARE,
        data=TOKENS,
        generation={"prompt": "a", "length": 3, "mode": "greedy"},
    )
    check_session(writes)
    with pytest.raises(AddressError, match="'loss' needs targets; expected z, p"):
        ask(writes, "1:generate:2:p", "loss")


# ---------------------------------------------------------------- the command


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why", "hi-there-class-bptt", "1:forward:2:a", "a"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head, value = lines[0].split()[:3:2]
    trace = next(records(lesson("hi-there-class-bptt"), "1:forward:2:a", "1:forward:2:a"))
    assert (head, float(value)) == ("a[2][0]", trace["values"]["a"][0])
    assert lines[1] == "  a = W_xh @ x + W_hh @ h[t-1] + b_h"
    assert lines[2] == "    = W_xh[0,there] + W_hh[0,0] * h[1][0] + b_h[0]"
    assert lines[3] == "    = -0.3 + 0.2 * 0.462117 + 0"
    shares = [float(line.split()[1].rstrip("%")) for line in lines[4:7]]
    assert sum(shares) == pytest.approx(100, abs=2) and shares == sorted(shares, reverse=True)
    assert [line.split("  ")[-1] for line in lines[4:]] == [
        "W_xh[0,there] * x[2][there]",
        "1:forward:1:h",
        "b_h[0]",
    ]


def test_the_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why", "lstm-remembers", "1:backward:2:h", "dh[0]", "--sequence", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    trace = next(records(lesson("lstm-remembers"), "1:backward:2:h", "1:backward:2:h"))
    assert found["value"] == trace["grads"]["h"][1][0]
    assert found["sums"] is True and found["address"] == "1:backward:2:h"
    assert sum(term["value"] for term in found["terms"]) + found["rounding"] == pytest.approx(found["value"])
    assert {term["address"] for term in found["terms"]} >= {"1:backward:3:i", "1:backward:3:f"}


@pytest.mark.parametrize(
    "arguments",
    [["1:forward:1:h", "h[7]"], ["1:forward", "nothing"], ["1:forward:1:h", "h[0]", "--sequence", "9"]],
)
def test_the_command_refuses_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.main(["why", "batch", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and err.startswith("rnn-tui: ")


def test_hostile_words_are_shown_harmlessly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "h = tanh(w\t* x + u * h[t-1])  # \x1b[31m\u202e"
    (tmp_path / "it.json").write_text(json.dumps(document(text, WEIGHTS, data={"inputs": [0.5, 1.0]})))
    assert cli.main(["why", str(tmp_path / "it.json"), "1:forward:2:h", "h"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines) and lines[1] == "  h = tanh(w * x + u * h[t-1])"
