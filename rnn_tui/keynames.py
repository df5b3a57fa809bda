"""Names of keys: from what a person writes to what Textual calls the key, and back.

Textual is not imported: a config file is checked before the screen is begun.
"""

from __future__ import annotations

import unicodedata
from functools import cache

# Textual's own shorter names for some characters.
_SHORTER = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
_LONGER = {short: long for long, short in _SHORTER.items()}
_ARROWS = {"→": "right", "←": "left", "↑": "up", "↓": "down"}
_MOVING = frozenset((*_ARROWS.values(), "home", "end", "pageup", "pagedown", "insert", "delete"))
_FUNCTION = frozenset(f"f{number}" for number in range(1, 13))
_NAMED = _MOVING | _FUNCTION | {"space", "tab", "enter", "escape", "backspace"}
_ALIASES = {"esc": "escape", "return": "enter", "del": "delete", "pgup": "pageup", "pgdn": "pagedown"}
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace"}
"""What a terminal sends as the same byte as another key."""
_TAKEN = {
    "ctrl+q": "always quits", "ctrl+p": "always opens the command palette", "ctrl+c": "stops, and nothing else",
}  # fmt: skip

EXPECTED = 'a key, such as "n", "N", "?", "right", "f5" or "ctrl+n", or a list of keys'


class KeyNameError(ValueError):
    """A text that names no key one can bind; the message says why."""


def key_name(text: str) -> str:
    """Textual's name of a key: `?` → `question_mark`, `→` or `Right` → `right`. Raises KeyNameError."""
    if len(text) == 1:
        return _of_character(text)
    name = text.lower()
    for modifier in ("ctrl", "shift", "alt"):
        name = name.replace(f"{modifier}-", f"{modifier}+")
    *modifiers, key = name.split("+")
    key = _of_character(key) if len(key) == 1 else _ALIASES.get(key, key)
    if key not in _NAMED and not _character(key):
        raise KeyNameError("no key of this name")
    if modifiers not in ([], ["ctrl"], ["shift"], ["alt"]):
        raise KeyNameError("expected at most one of ctrl+, shift+ and alt+")
    if modifiers == ["shift"] and key not in _MOVING | _FUNCTION | {"tab"}:
        raise KeyNameError("a terminal sends no such key; a capital letter is written as it is")
    if modifiers == ["ctrl"] and key not in _MOVING and not (len(key) == 1 and "a" <= key <= "z"):
        raise KeyNameError("a terminal sends no such key")
    name = "+".join([*modifiers, key])
    if name in _SAME:
        raise KeyNameError(f"a terminal sends it as {_SAME[name]}")
    if name in _TAKEN:
        raise KeyNameError(f"it {_TAKEN[name]}")
    return name


@cache
def printed(name: str) -> str:
    """A key, as Textual calls it, as a person would write it: `slash` → `/`, `ctrl+n` → `Ctrl-N`."""
    *modifiers, key = name.split("+")
    if not modifiers and key not in _NAMED and (character := _character(key)):
        return character
    return "-".join(part.capitalize() for part in (*modifiers, key))


def _of_character(character: str) -> str:
    """What Textual calls the key that types a character."""
    if character in _ARROWS:
        return _ARROWS[character]
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    if not name or not character.isprintable():
        raise KeyNameError("no key of this name")
    return _SHORTER.get(name, name)


def _character(name: str) -> str:
    """The character that a key types; `""` for a key that types none."""
    if len(name) == 1:
        return name
    words = _LONGER.get(name, name)
    for candidate in (words.replace("_", " "), words.replace("_", "-", 1).replace("_", " ")):
        try:
            character = unicodedata.lookup(candidate)
        except KeyError:
            continue
        if len(character) == 1 and character.isprintable() and _of_character(character) == name:
            return character
    return ""
