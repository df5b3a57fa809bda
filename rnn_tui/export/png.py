"""SVG → PNG by whichever converter is there: none is needed for anything else, so none is required."""

from __future__ import annotations

import shutil
import subprocess

from rnn_tui.export.svg import FONTS

SCALE = 2
"""Pixels per pixel of the SVG: sharp on a dense screen and in print."""

PROGRAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rsvg-convert", ("--format=png", f"--zoom={SCALE}")),
    ("inkscape", ("--pipe", "--export-type=png", "--export-filename=-", f"--export-dpi={96 * SCALE}")),
    ("magick", ("-background", "none", "-density", str(96 * SCALE), "svg:-", "png:-")),
)
"""Programs that read SVG and write PNG, with their arguments; the first is the most faithful."""

SECONDS = 60
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class NoPicture(Exception):
    """There is no converter, or it failed; one line."""


def png(svg: str) -> bytes:
    """The picture as PNG: by rsvg-convert, else cairosvg, else Inkscape or ImageMagick. Raises `NoPicture`."""
    best, *others = PROGRAMS
    made = _by_program(*best, svg) or _by_cairosvg(svg)
    for program, arguments in others:
        made = made or _by_program(program, arguments, svg)
    if made:
        return made
    raise NoPicture(
        "PNG needs a converter and there is none; install rsvg-convert (librsvg), cairosvg (with pip), Inkscape or "
        "ImageMagick, or choose .svg"
    )


def _by_program(name: str, arguments: tuple[str, ...], svg: str) -> bytes | None:
    """None where there is no such program."""
    program = shutil.which(name)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments],
            input=svg.encode("utf-8"),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPicture(f"{name} made no PNG: {error}") from None
    if done.returncode or not done.stdout.startswith(SIGNATURE):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
        raise NoPicture(f"{name} made no PNG: {said[-1]}")
    return done.stdout


def _by_cairosvg(svg: str) -> bytes | None:
    """None where there is no such package, or it lacks its C library. It knows one font, not a list."""
    try:
        import cairosvg
    except (ImportError, OSError):
        return None
    made: bytes = cairosvg.svg2png(bytestring=svg.replace(FONTS, "monospace").encode("utf-8"), scale=SCALE)
    return made
