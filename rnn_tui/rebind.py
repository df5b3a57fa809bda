"""The table of commands with the keys a config file gives them; the table itself is never changed."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_tui.commands import COMMANDS, VIEWS, Command, shown_key, with_keys
from rnn_tui.keynames import EXPECTED, KeyNameError, key_name
from rnn_tui.settings import SettingError, near, shown

FIXED = {
    "count": "its keys are the digits",
    "answer": "its keys are what a number is made of",
    "stop": "its key is Ctrl-C",
}
"""Commands whose keys cannot be others."""


def rebound(keys: Mapping[str, object], file: str) -> tuple[Command, ...]:
    """The table with the keys of `[keys]`; `file` is its name, for complaints. Raises SettingError."""
    chosen = {name: _keys_of(name, value, f"{file}: keys.{name[:80]}") for name, value in keys.items()}
    table = with_keys(chosen)
    for view in ("", *VIEWS):
        owner: dict[str, Command] = {}
        for entry in table:
            if view in entry.where if view else not entry.where:
                for key in entry.keys:
                    if key in owner:
                        _conflict(key, owner[key], entry, chosen, file)
                    owner[key] = entry
    return table


def _keys_of(id: str, value: object, where: str) -> tuple[str, ...]:
    ids = [entry.id for entry in COMMANDS]
    if id not in ids:
        hint = near(id, ids) or "; `rnn-tui config --example` lists them"
        raise SettingError(f"{where}: no command of this name{hint}")
    if id in FIXED:
        raise SettingError(f"{where}: {FIXED[id]}, and cannot be changed")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise SettingError(f"{where} = {shown(value)}: expected {EXPECTED}")
    found: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise SettingError(f"{where} = {shown(text)}: expected {EXPECTED}")
        try:
            found.append(key_name(text))
        except KeyNameError as error:
            raise SettingError(f"{where} = {shown(text)}: {error}; expected {EXPECTED}") from None
    return tuple(dict.fromkeys(found))


def _conflict(key: str, first: Command, second: Command, chosen: Mapping[str, object], file: str) -> None:
    """One of the two is in the file: the other has the key by the table, or by the file as well."""
    here, other = (first, second) if first.id in chosen else (second, first)
    raise SettingError(
        f'{file}: keys.{here.id} = "{shown_key(key)}": it is the key of `{other.id}` ({other.label}) too; '
        f"expected a key that is free, or another one for `{other.id}`"
    )
