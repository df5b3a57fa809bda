"""`rnn-tui list`: the lessons, in the order to learn in."""

from __future__ import annotations

import json

from rnn_engine.session import Session
from rnn_tui.lessons import Lesson, lessons
from rnn_tui.text import safe_text


def listing(*, as_json: bool) -> int:
    """Print a table, or one JSON array of objects with `name`, `title`, `summary` and `steps`."""
    rows = [(lesson, steps(lesson)) for lesson in lessons()]
    if as_json:
        entries = [{"name": r.name, "title": r.title, "summary": r.summary, "steps": n} for r, n in rows]
        print(json.dumps(entries, indent=1))
        return 0
    names = max((len(lesson.name) for lesson, _ in rows), default=4)
    print(f"{'LESSON':<{names}}  {'STEPS':>6}  TITLE")
    for lesson, count in rows:
        print(f"{lesson.name:<{names}}  {count:>6}  {safe_text(lesson.title)}")
    return 0


def steps(lesson: Lesson) -> int:
    """How many steps the whole run of a lesson has."""
    return Session.load(lesson.path).schedule.total
