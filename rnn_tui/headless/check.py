"""`rnn-tui check`: is each file valid, and are its gradients those of finite differences?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import isfinite

from rnn_engine.errors import EngineError
from rnn_engine.gradcheck import check_gradients
from rnn_engine.session import Session
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def check(sessions: Sequence[str]) -> int:
    """Print a line per file; 0 if all are fine, 1 if gradients disagree, 2 if a file is not valid."""
    code = 0
    for name in sessions:
        try:
            agree, line = verdict(name, Session.load(find(name)))
        except EngineError as error:
            print(f"rnn-tui: {safe_text(str(error))}", file=sys.stderr)
            code = 2
            continue
        print(safe_text(line))
        code = max(code, 0 if agree else 1)
    return code


def verdict(name: str, session: Session) -> tuple[bool, str]:
    """Whether the gradients agree, and the line that says so."""
    found = check_gradients(session)
    kind = "" if session.run.dtype == "float64" else f"{session.run.dtype}; "
    about = f"{name}: valid; {kind}{shapes(session) or 'no parameters'}"
    if found is None:
        program = session.program
        if "loss" not in program.equations:
            lacks = "no loss"
        else:
            lacks = "no target" if program.parameters else "nothing to learn"
        return True, f"ok    {about}; {lacks}, so no gradients to compare"
    counted = f"{_counted(found.compared, 'number')} of {_counted(found.parameters, 'parameter')} compared"
    if found.agrees:
        return True, f"ok    {about}; gradients agree within {found.relative:.0e} ({counted})"
    differ = f"gradients differ by {found.relative:.1e}, expected at most {found.tolerance:.0e}"
    if not isfinite(found.relative):
        differ = "gradients cannot be compared: numbers on the way are not finite"
    return False, f"FAIL  {about}; {differ} ({counted})"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def shapes(session: Session) -> str:
    """`W_xh 2×4, b_h 2, s scalar`: the parameters, in order of first appearance."""
    shapes = session.program.parameters.items()
    return ", ".join(f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in shapes)
