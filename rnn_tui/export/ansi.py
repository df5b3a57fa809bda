"""A picture as text in colour, for `cat` and `less -R`."""

from __future__ import annotations

from rnn_tui.export.picture import Ink, Picture

RESET = "\x1b[0m"


def ansi(picture: Picture) -> str:
    """The rows with their colours as escape sequences (SGR, true colour); each row ends as it began."""
    return "".join(f"{''.join(f'{_sgr(run.ink)}{run.text}' for run in row)}{RESET}\n" for row in picture.rows)


def _sgr(ink: Ink) -> str:
    codes = ["0"]
    codes += [code for code, on in (("1", ink.bold), ("3", ink.italic), ("4", ink.underline)) if on]
    codes += [f"38;2;{';'.join(map(str, ink.text))}", f"48;2;{';'.join(map(str, ink.paper))}"]
    return f"\x1b[{';'.join(codes)}m"
