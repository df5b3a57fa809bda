"""Initial states that are learned: `h[0]` is a parameter like the others."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_engine.errors import EngineError
from rnn_engine.gradcheck import check_gradients
from rnn_engine.observe import observe
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.trace import records
from rnn_engine.why import why
from tests.build import session

TEXT = "a = W @ h[t-1] + U * x\nh = tanh(a)\np = v @ h\nloss = half_squared_error(p, y)"
PARAMETERS = {"W": [[0.5, -0.25], [0.125, 0.75]], "U": [0.5, -1.0], "v": [1.0, 0.5]}
DATA = {"inputs": [0.5, -1.0, 0.25, 1.0], "targets": [0.5, 0.25, -0.5, 0.0]}


def opened(**training: object) -> Session:
    settings = {"optimizer": {"name": "sgd", "learning_rate": 0.5}, "iterations": 6, "train_initial": ["h"]}
    return session(
        TEXT, PARAMETERS, data=DATA, initial={"h": [0.25, -0.5]}, training={**settings, **training}
    )


def test_its_gradient_is_that_of_differences() -> None:
    found = check_gradients(opened())
    assert found is not None
    assert found.relative < 1e-8
    assert found.parameters == 4


def test_it_is_updated_like_a_parameter_and_begins_the_next_sequence() -> None:
    s = opened()
    first, second = (Timeline(s.run).iteration(k) for k in (1, 2))
    moved = np.array([0.25, -0.5]) - 0.5 * first.gradients["h[0]"]
    np.testing.assert_array_equal(first.update.value("h[0]", "w"), moved)
    np.testing.assert_array_equal(second.tape.initial("h")[-1, 0], moved)
    record = next(iter(records(s, "1:update:h[0]", "1:update:h[0]")))
    assert (record["parameter"], record["values"]["w"]) == ("h[0]", moved.tolist())


def test_in_a_window_that_carries_on_nothing_is_learned_of_it() -> None:
    s = opened(window=2, iterations=4)
    timeline = Timeline(s.run)
    assert timeline.iteration(1).gradients["h[0]"].any()
    assert not timeline.iteration(2).gradients["h[0]"].any()
    assert timeline.iteration(3).gradients["h[0]"].any()


def test_the_screen_shows_it_and_why() -> None:
    s = opened()
    timeline = Timeline(s.run)
    for index in range(s.schedule.total):
        seen = observe(s, timeline, index)
        assert [m.key for m in seen.panes["weights"]] == ["W", "U", "v", "h[0]"]
    answer = why(s, timeline, Cell("parameter gradient", 1, "h[0]", (1,)))
    assert answer.value == timeline.iteration(1).gradients["h[0]"][1]
    assert abs(answer.rounding) < 1e-15
    assert [term.address for term in answer.terms] == ["1:backward:1:a"] * 2  # from each element of it


@pytest.mark.parametrize(
    ("names", "words"), [(["p"], "no state"), (["W"], "no state"), (["h[-1]"], "no state")]
)
def test_what_cannot_be_learned(names: list[str], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        opened(train_initial=names)


def test_it_can_be_frozen() -> None:
    s = opened(frozen=["h[0]"])
    np.testing.assert_array_equal(Timeline(s.run).iteration(3).before.parameters["h[0]"], [0.25, -0.5])
