"""`rnn-tui edits`: what a session has set by hand, and a session with more of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rnn_engine.edits import key, where
from rnn_engine.replay import dumps, read_edit
from rnn_engine.session import Session
from rnn_engine.spelling import described
from rnn_tui.export.files import target_of
from rnn_tui.lessons import find
from rnn_tui.text import safe_text


def edits(session: str, changes: Sequence[str], output: str | None, *, force: bool, as_json: bool) -> int:
    """List the edits of a session, after `changes` (each an edit as a file has it); write it to `output` where given.

    A change of a number that is set already takes the place of that edit.
    """
    opened = Session.load(find(session))
    found = {key(edit): edit for edit in opened.edits}
    for text in changes:
        edit = read_edit(text.encode(), "--set")
        found[key(edit)] = edit
    opened.take(tuple(found.values()), opened.with_edits(tuple(found.values())))
    if as_json:
        print(json.dumps(json.loads(dumps(opened.to_replay())).get("edits", []), indent=1))
    else:
        for edit in opened.edits:
            print(safe_text(f"{where(edit, opened.run)}  {described(opened, edit)}"))
    if output is not None:
        opened.save(target_of(output, replace=force))
        print(f"wrote {safe_text(output)}; `rnn-tui {safe_text(output)}` opens it", file=sys.stderr)
    elif not opened.edits:
        print("nothing is set by hand", file=sys.stderr)
    return 0
