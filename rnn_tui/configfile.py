"""The config file: where it is, and what it says, checked before the terminal is used. It is never written.

`$XDG_CONFIG_HOME/rnn-tui/config.toml`, or where the platform keeps such files. An example and docs/config.md are made
from the tables that check it (`settings.py`, `commands.py`).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rnn_tui.commands import COMMANDS, Command, shown_key
from rnn_tui.rebind import FIXED, rebound
from rnn_tui.settings import SETTINGS, Choice, SettingError, Value, near, shown

MAX_BYTES = 65_536


class Config(NamedTuple):
    """What a config file says."""

    path: Path | None = None
    """The file that was read; None: there is none, or it was not to be read."""
    values: Mapping[str, Value] = MappingProxyType({})
    """By the names of the settings."""
    commands: tuple[Command, ...] = COMMANDS
    """The table of commands with the keys of `[keys]`."""


def config_path() -> Path:
    """Where the config file is, if there is one."""
    import platformdirs  # not every command needs it

    return platformdirs.user_config_path("rnn-tui", appauthor=False) / "config.toml"


def load(path: Path) -> Config:
    """Read and check a config file; no file is an empty one. Raises SettingError."""
    text = _text(path)
    if text is None:
        return Config()
    document = _document(text, path)
    keys = document.pop("keys", {})
    if not isinstance(keys, dict):
        raise SettingError(f"{path}: keys = {shown(keys)}: expected a table, [keys]")
    known = {setting.name: setting for setting in SETTINGS}
    for name in document:
        if name not in known:
            hint = near(name, [*known, "keys"])
            raise SettingError(
                f"{path}: {name[:80]}: no such setting; expected one of {', '.join([*known, 'keys'])}{hint}"
            )
    values = {name: known[name].checked(value, f"{path}: {name}") for name, value in document.items()}
    return Config(path, values, rebound(keys, str(path)))


def _text(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; --no-config goes without it") from None
    if not stat.S_ISREG(mode):
        raise SettingError(f"{path}: expected a file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SettingError(f"{path}: expected at most {MAX_BYTES} bytes")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; --no-config goes without it") from None
    except UnicodeDecodeError as error:
        raise SettingError(f"{path}: byte {error.start}: expected UTF-8") from None


def _document(text: str, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingError(f"{path}: too deep; expected TOML") from None
    except ValueError as error:  # also of a number with thousands of digits
        raise SettingError(f"{path}: {error}; expected TOML") from None


def example(commands: bool = True) -> str:
    """A config file in which every line is a comment: settings, then keys as they are."""
    lines = ["# rnn-tui: settings. A line counts once its # is gone.", ""]
    for setting in SETTINGS:
        lines += [f"# {setting.about}", f"# Otherwise: {setting.otherwise}."]
        if isinstance(setting.kind, Choice):
            width = max(map(len, setting.kind.words))
            lines += [f"#   {word:<{width}}  {meaning}" for word, meaning in setting.kind.words.items()]
        else:
            lines.append(f"#   {setting.kind.expectation}")
        lines += [f"# {setting.name} = {shown(setting.example)}", ""]
    lines += [
        "# Keys: a command and its key, or a list of keys, instead of those it has. A key is a character, or one of",
        "# left right up down home end pageup pagedown insert delete space tab enter escape backspace f1 … f12,",
        "# also with ctrl+, shift+ or alt+ before it. Two commands that hold at the same time cannot share one.",
        "# [keys]",
    ]
    for entry in COMMANDS if commands else ():
        if entry.id not in FIXED:
            keys = [_quoted(shown_key(key)) for key in entry.keys]
            value = keys[0] if len(keys) == 1 else f"[{', '.join(keys)}]"
            said = f"{entry.help} ({' '.join(entry.where)})" if entry.where else entry.help
            lines.append(
                f"# {entry.id} = {value}  # {said}" if keys else f"# {entry.id}: no key yet  # {said}"
            )
    return "\n".join(lines) + "\n"


def _quoted(key: str) -> str:
    return f"'{key}'" if key in ('"', "\\") else f'"{key}"'
