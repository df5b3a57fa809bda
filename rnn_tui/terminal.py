"""What this terminal can do, found out before Textual is imported: it reads its environment at import.

This module imports nothing of Textual and changes nothing but the mapping it is given.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import NamedTuple

from rnn_tui.settings import Chosen

FPS, SLOW_FPS = 60, 20
"""Frames a second, and over SSH: more only fill the line."""
COLOUR_SYSTEMS = {"16m": "truecolor", "256": "256", "16": "standard", "none": "none"}
"""`settings.COLOURS` → what Rich and Textual call it."""
# Their own terminfo entries say less than these terminals can, and SSH carries TERM but not COLORTERM.
_TRUE_COLOUR_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")


class TerminalSettings(NamedTuple):
    """The choices that follow from the terminal, and from what the user asked for."""

    tty: bool = True
    dumb: bool = False
    colours: str = "truecolor"
    """`truecolor`, `256`, `standard` or `none`."""
    theme: str = "dark"
    """One of `settings.THEMES`."""
    unicode: bool = True
    mouse: bool = True
    fps: int = FPS
    remote: bool = False
    chosen: Mapping[str, Chosen] = MappingProxyType({})
    """The same by the names of the settings, with who chose each."""

    @property
    def refusal(self) -> str:
        """Why the screen cannot be shown here, or nothing."""
        if self.dumb:
            return "the screen needs more than TERM=dumb; `rnn-tui trace` works everywhere"
        if not self.tty:
            return "the screen needs a terminal, and this is none; `rnn-tui trace` works everywhere"
        return ""


def detect(
    environ: Mapping[str, str],
    *,
    tty: bool,
    encoding: str | None,
    wishes: Mapping[str, Chosen] | None = None,
) -> TerminalSettings:
    """Settings for a terminal: `tty` if input and output all are one, `encoding` that of its output.

    What somebody wished for (`settings.wishes`) goes before what is found out.
    """
    wished = dict(wishes or {})
    term = environ.get("TERM", "").strip().lower()
    chosen = {
        "colours": wished.get("colours") or _colours(environ, term, wished.get("theme")),
        "ascii": wished.get("ascii") or _ascii(environ, term, encoding),
        "mouse": wished.get("mouse") or _mouse(environ),
        "fps": wished.get("fps") or _fps(environ),
    }
    colours = str(chosen["colours"].value)
    chosen["theme"] = _theme(environ, colours, wished.get("theme"))
    return TerminalSettings(
        tty=tty,
        dumb=term in ("dumb", "unknown"),
        colours=COLOUR_SYSTEMS[colours],
        theme=str(chosen["theme"].value),
        unicode=not chosen["ascii"].value,
        mouse=bool(chosen["mouse"].value),
        fps=int(chosen["fps"].value),
        remote=bool(_ssh(environ)),
        chosen=chosen,
    )


def _ssh(environ: Mapping[str, str]) -> str:
    """The variable that says so, or nothing."""
    return next((name for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT") if environ.get(name)), "")


def multiplexer(environ: Mapping[str, str]) -> str:
    """`tmux`, `screen` (GNU) or nothing."""
    if environ.get("TMUX"):
        return "tmux"
    return "screen" if environ.get("STY") else ""


def _colours(environ: Mapping[str, str], term: str, theme: Chosen | None) -> Chosen:
    overruled = theme is not None and theme.asked and theme.value != "plain"  # https://no-color.org
    if environ.get("NO_COLOR") and not overruled:  # an empty one counts as unset
        return Chosen("none", "NO_COLOR")
    by_term = f"TERM={term}" if term else "TERM is not set"
    if multiplexer(environ) == "screen":  # hands on what it was started with, and garbles true colour
        return Chosen("256" if "256" in term else "16", f"GNU screen, {by_term}")
    colorterm = environ.get("COLORTERM", "").strip().lower()
    if colorterm in ("truecolor", "24bit"):
        return Chosen("16m", f"COLORTERM={colorterm}")
    if environ.get("WT_SESSION"):
        return Chosen("16m", "Windows Terminal")
    if term.endswith(("-direct", "-truecolor")) or term.startswith(_TRUE_COLOUR_TERMS):
        return Chosen("16m", by_term)
    if "256" in term:
        return Chosen("256", by_term)
    return Chosen("none" if term in ("vt100", "vt102", "vt220") or term.endswith("-m") else "16", by_term)


def _theme(environ: Mapping[str, str], colours: str, wished: Chosen | None) -> Chosen:
    if colours == "none":  # whatever was wished: there is nothing else
        return wished if wished and wished.value == "plain" else Chosen("plain", "no colours")
    if wished:
        return wished
    if colours == "16":
        return Chosen("terminal", "sixteen colours")
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    if background in ("7", "15") or (background.isdecimal() and 9 <= int(background) <= 14):
        return Chosen("light", f"COLORFGBG={environ['COLORFGBG']}")
    return Chosen("dark", f"COLORFGBG={environ['COLORFGBG']}" if background else "default")


def _ascii(environ: Mapping[str, str], term: str, encoding: str | None) -> Chosen:
    name = (encoding or "").lower()
    if name.replace("-", "").replace("_", "") != "utf8":
        return Chosen(True, f"the output's encoding is {name or 'not known'}")
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(variable, "")
        # Python itself turns a C locale into C.UTF-8, in the environment too: what was said is in LANG then.
        if value in ("C", "POSIX"):
            return Chosen(True, f"{variable}={value}")
        if value and not (variable == "LC_CTYPE" and value == "C.UTF-8"):
            break
    if term == "linux":
        return Chosen(True, "the Linux console has few symbols")
    return Chosen(False, "the output is UTF-8")


def _mouse(environ: Mapping[str, str]) -> Chosen:
    over = _ssh(environ)
    # A line that drops would leave the mouse reporting in the user's shell.
    return Chosen(False, over) if over else Chosen(True, "default")


def _fps(environ: Mapping[str, str]) -> Chosen:
    textuals = environ.get("TEXTUAL_FPS", "")
    if textuals.isascii() and textuals.isdecimal() and int(textuals[:9]) > 0:
        return Chosen(int(textuals[:9]), "TEXTUAL_FPS")
    over = _ssh(environ)
    return Chosen(SLOW_FPS, over) if over else Chosen(FPS, "default")


def prepare(settings: TerminalSettings, environ: MutableMapping[str, str]) -> None:
    """Set what Textual reads at import; call this before importing it."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    environ["TEXTUAL_FPS"] = str(settings.fps)
    environ["TEXTUAL_COLOR_SYSTEM"] = "standard" if settings.colours == "none" else settings.colours
    # Textual takes an empty one for a yes, and a flag goes before it.
    environ.pop("NO_COLOR", None)
    if settings.colours == "none":
        environ["NO_COLOR"] = "1"
    # Both hide every later change of the size from Textual.
    environ.pop("LINES", None)
    environ.pop("COLUMNS", None)


def is_terminal() -> bool:
    """Whether input and output are one; Textual writes to the standard error."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def encoding() -> str:
    """The encoding of the output."""
    return (sys.stdout.encoding if sys.stdout is not None else "") or ""
