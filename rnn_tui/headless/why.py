"""`rnn-tui why`: the terms of one number, the largest first."""

from __future__ import annotations

import json
import sys
from math import isfinite
from typing import Any

from rnn_engine.session import Session
from rnn_engine.spelling import parse_cell
from rnn_engine.timeline import Timeline
from rnn_engine.trace import plain_number
from rnn_engine.why import Why, why
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def explain(session: str, address: str, cell: str, sequence: int, *, as_json: bool) -> int:
    """Print why a cell, seen from an address, has its value."""
    opened = Session.load(find(session))
    timeline = Timeline(opened.run)
    answer = why(opened, timeline, parse_cell(opened, timeline, address, cell, sequence - 1))
    if as_json:
        print(json.dumps(as_object(answer), allow_nan=False))
    else:
        sys.stdout.write("".join(f"{safe_text(line)}\n" for line in lines(answer)))
    return 0


def as_object(answer: Why) -> dict[str, Any]:
    """The answer as plain JSON values."""
    return {
        "cell": answer.label,
        "value": plain_number(answer.value, answer.dtype),
        "address": answer.address or None,
        "rule": answer.rule,
        "names": answer.names[0] if answer.names else "",
        "numbers": answer.numbers[0] if answer.numbers else "",
        "sums": answer.sums,
        "terms": [
            {
                "text": term.text,
                "value": plain_number(term.value, answer.dtype),
                "share": plain_number(term.share),
                "cell": term.label or None,
                "address": term.address or None,
            }
            for term in answer.terms
        ],
        "rounding": plain_number(answer.rounding),
    }


def lines(answer: Why) -> list[str]:
    """The answer to be read: the number and its rule, then a line per term."""
    where = f"   {answer.address}" if answer.address else ""
    found = [f"{answer.label} = {answer.exact!r}{where}", f"  {answer.rule}"]
    found += (
        [f"    = {answer.names[0]}"]
        if answer.names and not answer.rule.endswith(f" = {answer.names[0]}")
        else []
    )
    found += [f"    = {answer.numbers[0]}"] if answer.numbers else []
    if not answer.sums and answer.terms:
        found.append("  applied to:")
    width = max((len(term.text) for term in answer.terms), default=0)
    for term in answer.terms:
        share = f"{term.share:4.0%}" if answer.sums and isfinite(term.share) else "    "
        found.append(f"  {term.value + 0.0:+14.8g} {share}  {term.text:{width}}  {term.address}".rstrip())
    if answer.rounding:
        cause = (
            "the terms added up in another order"
            if answer.dtype == "float64"
            else f"the run is {answer.dtype}"
        )
        found.append(f"  {answer.rounding:+14.1e}       rounding: {cause}")
    return found
