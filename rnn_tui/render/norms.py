"""The norm of each row of a value over time, as bars: how large a gradient is at each time step."""

from __future__ import annotations

from math import hypot, isfinite, log10

from rnn_engine.snapshot import Matrix
from rnn_tui.render.number import level_bar
from rnn_tui.render.spans import Span

WIDE_RANGE = 1e3
"""From this ratio of largest to smallest on, sizes are shown by powers of ten."""


def row_norms(matrix: Matrix) -> list[float | None]:
    """The Euclidean norm of every row; None where it is not known."""
    rows = matrix.values.tolist()
    known = [True] * len(rows) if matrix.known is None else [bool(row.all()) for row in matrix.known]
    return [hypot(*row) if sure else None for row, sure in zip(rows, known, strict=True)]


def shares(matrix: Matrix) -> list[float | None]:
    """Of each row, the share of a full bar: linear, or by powers of ten where the norms range widely."""
    norms = row_norms(matrix)
    sizes = [norm for norm in norms if norm and isfinite(norm)]
    if not sizes:
        return [None if norm is None else 0.0 if norm == 0 else 1.0 for norm in norms]
    full, least = max(sizes), max(min(sizes), 1e-12 * max(sizes))
    decades = log10(full / least) if full > WIDE_RANGE * least else 0.0
    found: list[float | None] = []
    for norm in norms:
        if norm is None or norm == 0:
            found.append(norm)
        elif not isfinite(norm):
            found.append(1.0)
        else:
            share = 1 + log10(max(norm, least) / full) / (decades + 1) if decades else norm / full
            found.append(float(share))
    return found


def norm_bars(matrix: Matrix, rows: tuple[int, int], wide: int) -> list[Span]:
    """A bar for each of these rows, in `wide` cells."""
    found: list[Span] = []
    for at, share in enumerate(shares(matrix)[slice(*rows)], rows[0]):
        here = "row now" if at == matrix.current else "muted"
        drawn = "" if share is None else level_bar(share, wide) or ("▏" if share else "")
        found.append((drawn + " " * (wide - len(drawn)), here))
    return found


def paired_bars(matrix: Matrix, rows: tuple[int, int], wide: int) -> list[Span]:
    """The same with two rows in a line, the upper and the lower half of it."""
    found = shares(matrix)[slice(*rows)]
    spans: list[Span] = []
    for at in range(0, len(found), 2):
        upper, lower = (_length(share, wide) for share in (*found[at : at + 2], None)[:2])
        both, longer = min(upper, lower), max(upper, lower)
        drawn = "█" * both + ("▀" if upper > lower else "▄") * (longer - both)
        here = matrix.current is not None and rows[0] + at <= matrix.current < rows[0] + at + 2
        spans.append((drawn + " " * (wide - len(drawn)), "now" if here else "muted"))
    return spans


def sparkline(matrix: Matrix, room: int) -> list[Span]:
    """The same with time to the right, a cell for a time step or for several; nothing where there is no room."""
    found = shares(matrix)
    per = -(-len(found) // max(room, 1))
    if room < 8 or len(found) < 2:
        return []
    spans: list[Span] = []
    for at in range(0, len(found), per):
        known = [share for share in found[at : at + per] if share is not None]
        here = matrix.current is not None and at <= matrix.current < at + per
        glyph = "·" if not known else _STEPS[min(7, round(7 * max(known)))] if max(known) else " "
        spans.append((glyph, "now" if here else "muted" if known else "unknown"))
    return spans


_STEPS = "▁▂▃▄▅▆▇█"


def _length(share: float | None, wide: int) -> int:
    return 0 if not share else max(1, round(share * wide))
