"""How one element among many is written, and read back: by its label where it has one, else by its number.

    W_xh[0,there]   z[4][class]   h[3][0]   p[2]["1"]

A label stands bare where nothing else could be meant, else in quotes, as JSON has it. Where it would be long, or a
terminal could not show it as it is, the number stands in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from unicodedata import category

LONGEST = 16
"""Characters of a label; what has a longer one is easier to read, and to type, by its number."""
WHITE = {"␣": " ", "␊": "\n", "␉": "\t", "␍": "\r", "␀": ""}
"""What stands for white space in the heads of columns, and may be typed for it."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | set(map(chr, range(0xFE00, 0xFE10)))
_ITEM = r'"(?:[^"\\]|\\.)*"|[^\[\],"\s](?:[^\[\],"]*[^\[\],"\s])?'
BRACKETS = rf"(?:\s*\[\s*(?:{_ITEM})\s*(?:,\s*(?:{_ITEM})\s*)*\])*"
"""Any number of `[…]`, each of one item or more."""
_TAKEN = re.compile(r"[-−]?\d+|t\s*([-+−]\s*\d+)?")
"""What is read as a number or a time step."""


def spelled(labels: Sequence[str], at: int) -> str:
    """One element, as it stands between brackets; labels differ from each other."""
    label = labels[at] if at < len(labels) else ""
    if label in ("", str(at)) or len(label) > LONGEST or not _can_be_shown(label):
        return str(at)
    if _TAKEN.fullmatch(label) or re.search(r'[\[\],"\s]', label) or label in WHITE:
        return json.dumps(label, ensure_ascii=False)
    return label


def items(brackets: str) -> list[str]:
    """What stands between brackets, one after another, without the space around it."""
    return re.findall(_ITEM, brackets)


def element(item: str, labels: Sequence[str], size: int) -> int | None:
    """The element that an item means, of so many; None where it means none."""
    if item.startswith('"'):
        try:
            label = json.loads(item)
        except ValueError:
            return None
        return labels.index(label) if label in labels else None
    if re.fullmatch(r"\d{1,9}", item):
        return int(item) if int(item) < size else None
    for label in (item, "".join(WHITE.get(character, character) for character in item)):
        if label in labels:
            return labels.index(label)
    return None


def _can_be_shown(label: str) -> bool:
    """Whether every terminal shows it as it is; white space stands in quotes, as JSON writes it."""
    marks = 0
    for character in label:
        kind = category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if character in _UNSEEN or marks > 1 or not (character.isprintable() or character in "\n\t\r"):
            return False
    return category(label[0])[0] != "M"
