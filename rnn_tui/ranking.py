"""How well a name fits what was typed: whole words, those in a row first, then their beginnings, and last the
scattered letters of a name."""

from __future__ import annotations

import re
from collections.abc import Callable

SHORT = 24
"""Characters of a name in which scattered letters say something; in a sentence any letters are found."""
EXACT, BEGINS, PHRASE, WORDS, BEGINNINGS, WITHIN, WITHIN_HELP, SCATTERED = 8, 7, 6, 5, 4, 3, 2, 1


def fit(
    query: str,
    title: str,
    help: str = "",
    alias: str = "",
    *,
    words_of_help: bool = False,
    scattered: Callable[[str], float] | None = None,
) -> int:
    """From `EXACT` down to `SCATTERED`; 0 is no match. `d` may be typed for `∂`, and a name without it for both.

    A title is a name, and after two spaces what else belongs to it. `alias` is one more name. With `words_of_help` the
    words of the help count as those of the title do. `scattered` says how well letters fit that stand apart.
    """
    typed, shown = _plain(query), _plain(title)
    first = shown.split("  ")[0]
    names = {name for name in (first, _plain(alias)) if name}
    if title.startswith("∂"):
        names |= {name.removeprefix("d") for name in names}
    if not typed:
        return 0
    if typed in names:
        return EXACT
    if any(name.startswith(typed) for name in names):
        return BEGINS
    have = _words(f"{shown} {_plain(help)}" if words_of_help else shown)
    wanted = _words(typed)
    if len(wanted) > 1 and any(have[at : at + len(wanted)] == wanted for at in range(len(have))):
        return PHRASE
    if wanted and all(word in have for word in wanted):
        return WORDS
    if wanted and all(any(word.startswith(part) for word in have) for part in wanted):
        return BEGINNINGS
    if typed in shown:
        return WITHIN
    if typed in _plain(help):
        return WITHIN_HELP
    return SCATTERED if scattered and len(first) <= SHORT and scattered(first) > 0 else 0


def _plain(text: str) -> str:
    return text.replace("∂", "d").casefold().strip()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)
