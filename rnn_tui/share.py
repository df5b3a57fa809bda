"""The files beside the program: the manual page and the completion scripts. The build puts them into the wheel."""

from __future__ import annotations

from rnn_tui import manual
from rnn_tui.arguments import parser
from rnn_tui.completion import FILES, completion


def shared_files(version: str) -> dict[str, str]:
    """Their texts, by where they go below the prefix."""
    scripts = {place: completion(shell, parser()) for shell, place in FILES.items()}
    return {manual.FILE: manual.manual(parser(), version), **scripts}
