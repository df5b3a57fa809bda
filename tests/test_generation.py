"""Generation: what is drawn is fed back, and the draw is the same everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.core.operation import Array
from rnn_engine.derive import derivation
from rnn_engine.errors import EngineError
from rnn_engine.generation import draw, ranked
from rnn_engine.replay import Generation, replaced
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.training import Ending
from tests.build import lesson, session


def ending(**settings: Any) -> Ending:
    """hello, trained, with these settings of its generation."""
    s = Session(
        replaced(lesson("hello").replay, generation=Generation(**{"prompt": "h", "length": 4, **settings}))
    )
    return Timeline(s.run).ending()


def test_greedy_generation_takes_the_largest_and_feeds_it_back() -> None:
    found = ending(prompt="he", length=5).generated
    assert len(found) == 6
    assert found.draws[0] is None, "the prompt goes on"
    for place in range(len(found)):
        tape = found.tape(place)
        assert tape.x is not None and tape.x.classes is not None
        assert tape.x.classes.item() == found.inputs[place]
        assert tape.start == place
        if place:
            assert found.draws[place] == int(np.argmax(tape.value("p")))
            np.testing.assert_array_equal(tape.initial("h"), found.tape(place - 1).final("h"))
        if place > 1:
            assert found.inputs[place] == found.draws[place - 1]


def test_each_step_is_that_of_a_plain_forward_pass() -> None:
    """Over the tokens that came out, with the final weights, from the initial state."""
    found = ending()
    run = found.run
    names = run.dataset.vocabulary
    assert names is not None
    text = "".join(names[k] for k in found.generated.inputs)
    replay = lesson("hello").replay
    parameters = {name: value.tolist() for name, value in found.after.parameters.items()}
    again = session(
        "\n".join(replay.equations),
        parameters,
        data={"vocabulary": list(names), "text": text + "o", "level": "characters"},
    )
    tape = again.run.iteration(again.run.first()).tape
    for place in range(len(found.generated)):
        one = found.generated.tape(place)
        np.testing.assert_allclose(one.value("p")[0], tape.value("p")[place], rtol=1e-13)


def test_sampling_is_repeatable_and_the_seed_decides() -> None:
    settings = {"mode": "sample", "length": 40, "temperature": 2.0}
    runs = {seed: ending(seed=seed, **settings).generated.draws for seed in (1, 2, 1)}
    assert runs[1] == ending(seed=1, **settings).generated.draws
    assert runs[1] != runs[2]


def test_one_candidate_or_no_heat_is_greedy() -> None:
    greedy = ending(length=12).generated.draws
    assert ending(length=12, mode="sample", seed=3, top_k=1).generated.draws == greedy
    assert ending(length=12, mode="sample", seed=3, temperature=1e-6).generated.draws == greedy


def test_the_draw_uses_the_upper_bits_of_pcg64() -> None:
    bits = np.random.PCG64(5)
    found = ending(mode="sample", seed=5, length=8)
    for place, drawn in enumerate(found.generated.draws):
        tape = found.generated.tape(place)
        u = (int(bits.random_raw()) >> 11) / 2**53
        p = tape.value("p")[0, 0]
        order = np.argsort(-p, kind="stable")
        assert drawn == order[int(np.searchsorted(np.cumsum(p[order]), u, side="right"))]


P = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any).map(lambda v: np.array(v) / sum(v))


@given(P, st.floats(0, 1, exclude_max=True), st.sampled_from([0.01, 0.5, 1.0, 7.0]), st.integers(1, 6))
def test_a_draw_is_a_token_that_may_be_drawn(p: Array, u: float, temperature: float, top_k: int) -> None:
    k = draw(p, u, temperature, top_k)
    assert p[k] > 0
    assert k in np.argsort(-p, kind="stable")[:top_k]


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 0.3, 1.0, 1e300])
def test_chances_at_any_temperature(temperature: float) -> None:
    order, chances = ranked(np.array([0.25, 0.5, 0.0, 0.25]), temperature, 3)
    assert order.tolist() == [1, 0, 3]
    weights = np.array([1.0, 0.5 ** (1 / max(temperature, 1e-300)), 0.5 ** (1 / max(temperature, 1e-300))])
    np.testing.assert_allclose(chances, weights / weights.sum(), rtol=1e-12)


def test_a_draw_in_full() -> None:
    replay = lesson("hello").replay
    settings = Generation(prompt="he", length=4, mode="sample", temperature=3.0, top_k=3, seed=4)
    s = Session(replaced(replay, generation=settings))
    timeline = Timeline(s.run)
    generated = timeline.ending().generated
    prompt, first, second = (
        s.schedule.span(f"{s.schedule.iterations}:generate:{t}:sample").start for t in (1, 2, 3)
    )
    assert "nothing is drawn" in derivation(s, timeline, prompt)[0].lines[0]
    names, bits = s.dataset.vocabulary, np.random.PCG64(4)
    assert names is not None
    for place, index in ((1, first), (2, second)):
        lines = derivation(s, timeline, index)[0].lines
        drawn = generated.draws[place]
        assert drawn is not None
        (marked,) = (line for line in lines if "◀" in line)
        assert marked.startswith(f"  {names[drawn]}: ")
        assert f"u = {(int(bits.random_raw()) >> 11) / 2**53:.6f}".rstrip("0") in "\n".join(lines)
        assert "at temperature 3 among the 3 likeliest" in lines[0]


def test_the_output_is_the_softmax_that_the_loss_takes() -> None:
    """A softmax that mixes inside of the cell is none, wherever it stands."""
    s = session(
        "g = softmax(W @ x)\np = softmax(V @ g)\nloss = cross_entropy(p, y)",
        {"W": [[0.1, 0.2], [0.3, 0.4], [0.1, 0.1]], "V": [[0.1, 0.2, 0.3], [0.3, 0.4, 0.5]]},
        data={"text": "abab"},
        generation={"prompt": "a", "length": 2},
    )
    assert s.program.output == "p"
    assert [r["sample"] for r in records(s, "1:generate") if "sample" in r] == ["b", "b"]


TEXT = "h = tanh(W @ x + h[t-1])\np = softmax(h)"


@pytest.mark.parametrize(
    ("equations", "members", "words"),
    [
        ("h = x + h[t-1]", {"data": {"inputs": [1, 2]}}, "needs inputs that are tokens"),
        ("h = W @ x", {}, "no equation is a softmax over the 2 tokens"),
        ("h = W @ x + y + h[t-1]\np = softmax(h)", {}, "a state depends on the targets"),
        ("h = W @ x + h[t+1]\np = softmax(h)", {}, "the text reads later time steps"),
        ("e = W @ x - y", {}, "every equation depends on the targets"),
        (TEXT, {"generation": {"prompt": "q", "length": 1}}, "not in the vocabulary"),
    ],
)
def test_generation_that_cannot_be(equations: str, members: dict[str, Any], words: str) -> None:
    parameters = {"W": [[1.0, 0.0], [0.0, 1.0]]} if "W" in equations else {}
    given = {"data": {"text": "abba"}, "generation": {"prompt": "a", "length": 1}, **members}
    with pytest.raises(EngineError) as caught:
        session(equations, parameters, **given)
    assert words in str(caught.value)
