"""The only door by which text from outside reaches a terminal.

Titles, tokens, notes, names and paths come from files that strangers wrote. `safe_text` turns every
character that could steer a terminal, reorder or hide text into something visible, `content` makes
of it what Textual's widgets take, without markup. `ascii_text` serves terminals without Unicode.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from textual.content import Content

MARKS_IN_A_ROW = 4
"""More combining marks than this on one base are dropped: no script needs them, and stacks of them smear rows."""

# `str.isprintable` is true for these, yet they draw nothing, or nothing one could see.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Variation selectors change the width of the character before them in some terminals only.
_DROPPED = frozenset(map(chr, range(0xFE00, 0xFE10)))
ONE_CELL = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u0384-\u038a\u038e-\u03a1\u03a3-\u0482"
    "\u2010-\u2027\u2030-\u205e\u2074-\u208e\u2190-\u22ff\u2500-\u25fc\u2801-\u28ff]*"
)
"""Text that may be printed as it is, of characters of which every terminal thinks that they take one cell."""
_TOKEN = str.maketrans({" ": "␣", "\n": "␊", "\t": "␉", "\r": "␍"})


def _visible(character: str) -> str:
    """A character that must not reach the terminal, as something that may."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def safe_text(text: str, *, limit_cells: int | None = None, multiline: bool = False) -> str:
    """Return `text` such that printing it can only ever draw it.

    Control characters become pictures (`␛`), other unprintable ones their code (`<U+202E>`),
    combining marks are capped, and a newline is a space unless `multiline`. With `limit_cells`
    the result takes at most that many terminal cells and ends in `…` where it was cut.
    """
    if not ONE_CELL.fullmatch(text):
        text = _cleaned(text, multiline)
    return text if limit_cells is None else clip(text, limit_cells)


def _cleaned(text: str, multiline: bool) -> str:
    parts: list[str] = []
    marks = 0
    for character in text.replace("\r\n", "\n"):
        if character == "\n":
            parts.append("\n" if multiline else " ")
        elif character == "\t":
            parts.append(" ")
        elif character in _DROPPED:
            continue
        elif not character.isprintable() or character in _BLANK:
            parts.append(_visible(character))
        elif category(character) in ("Mn", "Me"):
            if marks == 0 and (not parts or parts[-1] in (" ", "\n")):
                parts.append("◌")  # a mark without a base would land on whatever stands to its left
            marks += 1
            if marks <= MARKS_IN_A_ROW:
                parts.append(character)
            continue
        else:
            parts.append(character)
        marks = 0
    return "".join(parts)


def token_text(text: str, *, limit_cells: int | None = None) -> str:
    """A token as a label: as `safe_text`, and white space at its ends or alone is visible too."""
    if text != text.strip() or not text:
        text = text.translate(_TOKEN) or "␀"
    return safe_text(text, limit_cells=limit_cells)


@lru_cache(maxsize=8192)
def cells(text: str) -> int:
    """How many terminal cells `text` takes."""
    if text.isascii() or ONE_CELL.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def clip(text: str, limit: int) -> str:
    """`text` in at most `limit` cells, with `…` where it was cut."""
    if limit <= 0:
        return ""
    if cells(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - 1
    for character in text:
        room -= cells(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces where there are any; newlines stay."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cells(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            line = word
            while cells(line) > width:
                head = _prefix(line, width)
                lines.append(head)
                line = line[len(head) :]
        lines.append(line)
    return lines


def _prefix(text: str, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` cells, and at least one character."""
    taken = 0
    for index, character in enumerate(text):
        taken += cells(character)
        if taken > width and index:
            return text[:index]
    return text


_ASCII = str.maketrans(
    dict(zip("─━│┃╭╮╰╯┏┓┗┛├┤┼┿", "-=||++++++++||++", strict=True))
    # A mark right behind a number would read as part of it: the small bars are left out.
    | dict(zip("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉", "       #   ####", strict=True))
    # No two of one place are alike: the arrows and the mark of a row or an extreme, a scale and a cut.
    | dict(zip("▸●◎◉◆•·×…↑↓←→␣␊␉␍∂−≈–✎▲▼‖±▀▄▕▴└╸", "}@oX**.x~^v<>_$$$d-=-=AV||##|^+-", strict=True))
    # One cell each, as all of them: the transpose Wᵀ is W', as MATLAB has it.
    | dict(zip("ᵀ²Σ✓≠╲◀›␀␡◌▔▐", "'2S=!\\<>$$o-|", strict=True))
)


def ascii_text(text: str) -> str:
    """`text` in ASCII, of the same width in cells: our own glyphs by their likes, all else by `?`."""
    if text.isascii():
        return text
    text = text.translate(_ASCII)
    if text.isascii():
        return text
    return "".join(_ascii(character) for character in text)


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    if "\u2800" <= character <= "\u28ff":  # braille: the loss curve
        return " " if character == "\u2800" else "*"
    return "?" * cells(character)


def content(text: str, style: str = "", *, multiline: bool = False) -> Content:
    """`text` for a Textual widget: safe, and never read as markup."""
    from textual.content import Content

    return Content.styled(safe_text(text, multiline=multiline), style)
