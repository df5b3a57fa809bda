"""Sessions for tests: from the members of a replay, and random ones; and when two snapshots are the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from rnn_engine.errors import EngineError
from rnn_engine.replay import FORMAT, VERSION, loads
from rnn_engine.session import Session
from rnn_engine.training import Iteration
from rnn_tui.lessons import find, lessons
from tests.reference import Case
from tests.strategies import Draw, cases

LESSONS = tuple(lesson.name for lesson in lessons())
OPTIMIZERS: tuple[dict[str, Any], ...] = (
    {"name": "sgd", "learning_rate": 0.05},
    {"name": "momentum", "learning_rate": 0.02},
    {"name": "adam", "learning_rate": 0.01},
    {"equations": ["w = w[i-1] - learning_rate * g / (sqrt(g @ g) + 1)"], "learning_rate": 0.05},
)


def lesson(name: str) -> Session:
    return Session.load(find(name))


def document(equations: str, parameters: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A replay as JSON would have it; without data it has five steps."""
    lines = [line.strip() for line in equations.strip().splitlines()]
    head = {"format": FORMAT, "version": list(VERSION), "equations": lines, "parameters": parameters or {}}
    return {**head, "data": {"steps": 5}, **members}


def session(equations: str, parameters: Mapping[str, Any] | None = None, **members: Any) -> Session:
    """A session of these equations, by way of the JSON of a replay."""
    return Session(loads(json.dumps(document(equations, parameters, **members)).encode()))


def of_case(case: Case, **members: Any) -> Session:
    """A case of the oracle as a session; its weights are left out."""
    return session(
        "\n".join(case.equations),
        {name: np.asarray(value).tolist() for name, value in case.parameters.items()},
        data=data_of(case),
        initial={name: np.asarray(value).tolist() for name, value in case.initial.items()},
        **members,
    )


def data_of(case: Case) -> dict[str, Any]:
    """The data of a case: as tokens where it has them and one vocabulary is enough, else as vectors."""
    if case.x is None and case.y is None:
        return {"steps": case.T}
    sizes = {n for n in (case.x_vocabulary, case.y_vocabulary) if n is not None}
    as_tokens = len(sizes) == 1

    def spelled(value: Any, vocabulary: int | None) -> Any:
        if value is None or vocabulary is None:
            return value
        return f"token {value}" if as_tokens else np.eye(vocabulary)[value].tolist()

    members: list[dict[str, list[Any]]] = [{} for _ in range(case.B)]
    series = (("inputs", case.x, case.x_vocabulary), ("targets", case.y, case.y_vocabulary))
    for key, rows, vocabulary in series:
        for b, member in enumerate(members):
            if rows is not None:
                member[key] = [spelled(row[b], vocabulary) for row in rows]
    found: dict[str, Any] = {"sequences": members, "batch": case.B}
    return {"vocabulary": [f"token {k}" for k in range(min(sizes))], **found} if as_tokens else found


def iterations(session: Session) -> Iterator[Iteration]:
    """All iterations of its run, played through once."""
    frame = session.run.first()
    for _ in range(session.schedule.iterations):
        iteration = session.run.iteration(frame)
        yield iteration
        frame = iteration.after


@st.composite
def sessions(draw: Draw, *, loss: bool | None = None, lookahead: bool = True, max_T: int = 4) -> Session:
    """Random sessions: texts, data, windows, reductions, clipping, optimisers, evaluation."""
    case = draw(cases(loss=loss, lookahead=lookahead, max_T=max_T))
    assume(case.B == 1 or case.x is not None or case.y is not None)
    has_loss = any(line.startswith("loss = ") for line in case.equations)
    training: dict[str, Any] = {
        "window": draw(st.sampled_from([None, 1, 2, 3])),
        "carry": draw(st.booleans()),
        "reduction": {kind: draw(st.sampled_from(["sum", "mean"])) for kind in ("time", "batch")},
        "epochs": draw(st.integers(1, 3)),
    }
    if has_loss and case.parameters and draw(st.booleans()):
        training["optimizer"] = draw(st.sampled_from(OPTIMIZERS))
        training["frozen"] = sorted(draw(st.sets(st.sampled_from(sorted(case.parameters)))))
        clip = draw(st.sampled_from([None, "value", "norm"]))
        if clip is not None:
            training["clip"] = {"kind": clip, "limit": 0.25}
    members = {key: value for key, value in training.items() if value is not None}
    try:
        return of_case(case, training=members, evaluate=draw(st.booleans()))
    except EngineError as error:
        assume("a target is null" not in str(error))  # of a state that needs it: refused, rightly
        raise


def same(a: object, b: object) -> bool:
    """Whether two views are equal, numbers to the bit."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(same(left, right) for left, right in zip(a, b, strict=True))
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return a == b or (a != a and b != b)
