"""What this terminal can do, found out before Textual is imported: it reads its environment at import.

This module imports nothing of Textual and changes nothing but the mapping it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

THEMES = ("dark", "light", "plain")
SLOW_FPS = 20
"""Frames a second over SSH: more only fill the line."""


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """The choices that follow from the terminal, and from what the user asked for."""

    tty: bool = True
    dumb: bool = False
    colours: str = "truecolor"
    """`truecolor`, `256`, `standard` or `none`."""
    theme: str = "dark"
    """One of `THEMES`; `plain` is the one without colour."""
    unicode: bool = True
    mouse: bool = True
    fps: int | None = None
    remote: bool = False

    @property
    def refusal(self) -> str:
        """Why the screen cannot be shown here, or nothing."""
        if not self.tty:
            return "the screen needs a terminal, and this is none; `rnn-tui trace` works everywhere"
        if self.dumb:
            return "the screen needs more than TERM=dumb; `rnn-tui trace` works everywhere"
        return ""


def detect(environ: Mapping[str, str], *, tty: bool, encoding: str | None) -> TerminalSettings:
    """Settings for a terminal: `tty` if input and output both are one, `encoding` that of its output."""
    term = environ.get("TERM", "").strip().lower()
    remote = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    colours = _colours(environ, term)
    return TerminalSettings(
        tty=tty,
        dumb=term in ("dumb", "unknown"),
        colours=colours,
        theme="plain" if colours == "none" else "dark",
        unicode=(encoding or "").lower().replace("-", "").replace("_", "") == "utf8",
        mouse=not remote,
        fps=SLOW_FPS if remote else None,
        remote=remote,
    )


def _colours(environ: Mapping[str, str], term: str) -> str:
    if environ.get("NO_COLOR"):  # an empty one counts as unset: https://no-color.org
        return "none"
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return "truecolor"
    if term.endswith(("-direct", "-truecolor")):
        return "truecolor"
    if "256" in term or "kitty" in term:
        return "256"
    return "none" if term in ("vt100", "vt220") or term.endswith("-m") else "standard"


def prepare(settings: TerminalSettings, environ: MutableMapping[str, str]) -> None:
    """Set what Textual reads at import. What a user has set themselves stays; call this before importing it."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if settings.fps is not None:
        environ.setdefault("TEXTUAL_FPS", str(settings.fps))
    if not environ.get("NO_COLOR"):
        environ.pop("NO_COLOR", None)  # Textual takes an empty one for a yes
    # Both hide every later change of the size from Textual.
    environ.pop("LINES", None)
    environ.pop("COLUMNS", None)
