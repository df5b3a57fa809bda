"""Roles → styles: a dark and a light palette for terminals of 16, of 256 and of all colours; the terminal's own; none.

The colours of text are those of the 256-colour cube, so a terminal with 256 colours shows what one with millions does.
Sign is blue against orange, which holds for colour-blind readers, and the minus or the glyph says it as well.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from rnn_tui.render.ramps import LEVELS, RAMPS, Ramp, ink_on


class Colours(NamedTuple):
    """The hex values one theme is made of."""

    background: str
    surface: str
    row: str
    text: str
    muted: str
    faint: str
    positive: str
    negative: str
    now: str
    focus: str
    target: str
    chosen: str
    warning: str


DARK = Colours(
    background="#121212", surface="#1c1c1c", row="#262626", text="#d0d0d0", muted="#949494", faint="#585858",
    positive="#87afff", negative="#ffaf5f", now="#ffd75f", focus="#5fd7d7", target="#87d787", chosen="#d7afff",
    warning="#ff8787",
)  # fmt: skip
LIGHT = Colours(
    background="#ffffff", surface="#eeeeee", row="#e4e4e4", text="#262626", muted="#5f5f5f", faint="#9e9e9e",
    positive="#0000d7", negative="#875f00", now="#870087", focus="#005f87", target="#005f00", chosen="#8700d7",
    warning="#af0000",
)  # fmt: skip
# The sixteen as Rich has them, so that each is sent as itself; a terminal shows its own idea of them.
DARK_16 = Colours(
    background="#000000", surface="#000000", row="#000000", text="#ffffff", muted="#aaaaaa", faint="#555555",
    positive="#55ffff", negative="#ffff55", now="#ffffff", focus="#55ff55", target="#55ff55", chosen="#ff55ff",
    warning="#ff5555",
)  # fmt: skip
LIGHT_16 = Colours(
    background="#ffffff", surface="#ffffff", row="#ffffff", text="#000000", muted="#555555", faint="#aaaaaa",
    positive="#0000aa", negative="#aa5500", now="#aa00aa", focus="#0000aa", target="#000000", chosen="#aa00aa",
    warning="#aa0000",
)  # fmt: skip

TERMINAL = Colours(  # those of the sixteen that can be read on a dark ground and on a light one
    background="default", surface="default", row="default", text="default", muted="default", faint="default",
    positive="bright_blue", negative="red", now="magenta", focus="cyan", target="green", chosen="magenta",
    warning="red",
)  # fmt: skip


def _ink(colour: str, *, bold: bool = False, underline: bool = False) -> Style:
    return Style(color=colour, bold=bold or None, underline=underline or None)


def _coloured(c: Colours) -> dict[str, Style]:
    return {
        "": Style(color=c.text, bgcolor=c.background),
        "text": _ink(c.text),
        "strong": _ink(c.text, bold=True),
        "muted": _ink(c.muted),
        "faint": _ink(c.faint),
        "title": _ink(c.muted),
        "focus": _ink(c.focus, bold=True),
        "jump": Style(color=c.background, bgcolor=c.now, bold=True),
        "positive": _ink(c.positive),
        "negative": _ink(c.negative),
        "zero": _ink(c.muted),
        "unknown": _ink(c.faint),
        "asked": _ink(c.now, bold=True),
        "row": Style(bgcolor=c.row),
        "now": _ink(c.now, bold=True),
        "written": Style(color=c.now, bold=True, underline=True),
        "fresh": Style(bold=True),
        "underlined": Style(underline=True),
        "cursor": Style(color=c.background, bgcolor=c.focus, bold=True, underline=False),
        "edited": Style(color=c.warning, bold=True, italic=True),
        "target": _ink(c.target, bold=True),
        "chosen": _ink(c.chosen, bold=True),
        "warning": _ink(c.warning, bold=True),
        "bar": Style(bgcolor=c.surface),
        "key": _ink(c.focus, bold=True),
        "note": _ink(c.now),
        "upper.": _ink(c.background),
        "lower.": Style(bgcolor=c.background),
        "upper*": _ink(c.focus),
        "lower*": Style(bgcolor=c.focus),
        "upper!": _ink(c.warning),
        "lower!": Style(bgcolor=c.warning),
    }


def _heat(ramp: Ramp) -> dict[str, Style]:
    """For each level: a cell of that colour with ink that is read on it, and the two halves of a cell."""
    roles = {"bars": _ink(ramp.at(3))}
    for level in range(-LEVELS, LEVELS + 1):
        colour = ramp.at(level)
        roles[f"heat{level}"] = Style(color=ink_on(colour), bgcolor=colour)
        roles[f"upper{level}"] = _ink(colour)
        roles[f"lower{level}"] = Style(bgcolor=colour)
    return roles


def _heat_16(c: Colours, cells: dict[int, str]) -> dict[str, Style]:
    """With sixteen colours there are no shades: the smaller sizes are coloured glyphs, the larger ones coloured cells.

    `cells` are the backgrounds of the levels that have one. The halves of a cell have no glyph, so they are not used.
    """
    roles = {"bars": _ink(cells[3]), "heat0": _ink(c.muted)}
    for level in (-2, -1, 1, 2):
        roles[f"heat{level}"] = _ink(c.positive if level > 0 else c.negative, bold=abs(level) == 2)
    for level, colour in cells.items():
        roles[f"heat{level}"] = Style(color=ink_on(colour), bgcolor=colour)
    return roles


CELLS_16 = {
    "dark": {-3: "#aa5500", -4: "#ffff55", 3: "#0000aa", 4: "#00aaaa"},
    "light": {-3: "#ffff55", -4: "#aa5500", 3: "#55ffff", 4: "#0000aa"},
}


def _terminal() -> dict[str, Style]:
    """As without colour, and what a colour of the terminal can say on any ground."""
    inks = _coloured(TERMINAL)
    said = (
        "positive", "negative", "now", "written", "focus", "target", "chosen", "warning", "asked", "key", "note",
    )  # fmt: skip
    heat = {
        f"heat{level}": _ink(TERMINAL.positive if level > 0 else TERMINAL.negative, bold=abs(level) > 2)
        for level in range(-LEVELS, LEVELS + 1)
        if level
    }
    return _plain() | {role: inks[role] for role in said} | heat | {"bars": _ink(TERMINAL.positive)}


def _plain() -> dict[str, Style]:
    nothing, dim, bold = Style(), Style(dim=True), Style(bold=True)
    roles = dict.fromkeys(("", "text", "positive", "negative", "row", "bar", "bars", "note"), nothing)
    roles |= dict.fromkeys(("muted", "faint", "zero", "unknown", "title"), dim)
    roles |= dict.fromkeys(
        ("strong", "focus", "now", "target", "chosen", "warning", "key", "asked", "edited"), bold
    )
    for level in range(-LEVELS, LEVELS + 1):
        roles[f"heat{level}"] = bold if abs(level) == LEVELS else dim if level == 0 else nothing
    return roles | {
        "jump": Style(reverse=True, bold=True, dim=False),
        "written": Style(bold=True, underline=True, dim=False),
        "fresh": bold,
        "underlined": Style(underline=True, dim=False),
        "cursor": Style(reverse=True, dim=False, underline=False),
    }


class Palette:
    """Resolves roles; every combination is made once."""

    def __init__(self, roles: dict[str, Style], *, halves: bool = False) -> None:
        """`halves`: whether two values may share a cell, one above the other: it takes shades of colour, and `▀`."""
        self.roles, self.halves = roles, halves
        self._made: dict[str, Style] = {}

    def style(self, role: str) -> Style:
        """The style of a role, or of several separated by spaces: later ones win."""
        style = self._made.get(role)
        if style is None:
            style = self.roles[""]
            for name in role.split():
                style += self.roles[name]
            self._made[role] = style
        return style


def palette(theme: str, colours: str = "truecolor", *, unicode: bool = True) -> Palette:
    """The palette of `dark`, `light`, `terminal` or, for anything else, the one without colour.

    `colours` is what the terminal has: `truecolor`, `256`, or `standard` for sixteen.
    """
    if theme == "terminal":
        return Palette(_terminal())
    if theme not in ("dark", "light") or colours == "none":
        return Palette(_plain())
    if colours == "standard":
        of_text = DARK_16 if theme == "dark" else LIGHT_16
        return Palette(_coloured(of_text) | _heat_16(of_text, CELLS_16[theme]))
    return Palette(
        _coloured(DARK if theme == "dark" else LIGHT) | _heat(RAMPS[theme, colours]), halves=unicode
    )
