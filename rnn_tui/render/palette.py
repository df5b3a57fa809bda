"""Roles → styles: a dark and a light palette on the 256-colour cube, one of the terminal's own colours, one without.

The colours are those of the cube, so a terminal with 256 colours shows what one with millions does.
Sign is blue against orange, which holds for colour-blind readers, and the minus says it as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.style import Style


@dataclass(frozen=True, slots=True)
class Colours:
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
    positive="#0000d7", negative="#af5f00", now="#870087", focus="#005f87", target="#005f00", chosen="#8700d7",
    warning="#af0000",
)  # fmt: skip

TERMINAL = Colours(  # those of the sixteen that can be read on a dark ground and on a light one
    background="default", surface="default", row="default", text="default", muted="default", faint="default",
    positive="bright_blue", negative="red", now="magenta", focus="cyan", target="green", chosen="magenta",
    warning="red",
)  # fmt: skip


def _coloured(c: Colours) -> dict[str, Style]:
    def ink(colour: str, *, bold: bool = False, underline: bool = False) -> Style:
        return Style(color=colour, bold=bold or None, underline=underline or None)

    return {
        "": Style(color=c.text, bgcolor=c.background),
        "text": ink(c.text),
        "strong": ink(c.text, bold=True),
        "muted": ink(c.muted),
        "faint": ink(c.faint),
        "title": ink(c.muted),
        "focus": ink(c.focus, bold=True),
        "jump": Style(color=c.background, bgcolor=c.now, bold=True),
        "positive": ink(c.positive),
        "negative": ink(c.negative),
        "zero": ink(c.faint),
        "unknown": ink(c.faint),
        "asked": ink(c.now, bold=True),
        "row": Style(bgcolor=c.row),
        "now": ink(c.now, bold=True),
        "written": Style(color=c.now, bold=True, underline=True),
        "cursor": Style(color=c.background, bgcolor=c.focus, bold=True, underline=False),
        "edited": Style(color=c.warning, bold=True, italic=True),
        "target": ink(c.target, bold=True),
        "chosen": ink(c.chosen, bold=True),
        "warning": ink(c.warning, bold=True),
        "bar": Style(bgcolor=c.surface),
        "key": ink(c.focus, bold=True),
        "note": ink(c.now),
    }


def _terminal() -> dict[str, Style]:
    """As without colour, and what a colour of the terminal can say on any ground."""
    inks = _coloured(TERMINAL)
    said = (
        "positive",
        "negative",
        "now",
        "written",
        "focus",
        "target",
        "chosen",
        "warning",
        "asked",
        "key",
        "note",
    )
    return _plain() | {role: inks[role] for role in said}


def _plain() -> dict[str, Style]:
    nothing, dim, bold = Style(), Style(dim=True), Style(bold=True)
    roles = dict.fromkeys(("", "text", "positive", "negative", "row", "bar", "note"), nothing)
    roles |= dict.fromkeys(("muted", "faint", "zero", "unknown", "title"), dim)
    roles |= dict.fromkeys(
        ("strong", "focus", "now", "target", "chosen", "warning", "key", "asked", "edited"), bold
    )
    return roles | {
        "jump": Style(reverse=True, bold=True, dim=False),
        "written": Style(bold=True, underline=True, dim=False),
        "cursor": Style(reverse=True, dim=False, underline=False),
    }


@dataclass(frozen=True, eq=False)
class Palette:
    """Resolves roles; every combination is made once."""

    roles: dict[str, Style]
    made: dict[str, Style] = field(default_factory=dict)

    def style(self, role: str) -> Style:
        """The style of a role, or of several separated by spaces: later ones win."""
        style = self.made.get(role)
        if style is None:
            style = self.roles[""]
            for name in role.split():
                style += self.roles[name]
            self.made[role] = style
        return style


def palette(theme: str) -> Palette:
    """The palette of `dark`, `light`, `terminal` or, for anything else, the one without colour."""
    if theme == "dark":
        return Palette(_coloured(DARK))
    if theme == "terminal":
        return Palette(_terminal())
    return Palette(_coloured(LIGHT)) if theme == "light" else Palette(_plain())
