"""`rnn-tui diagnose` and `rnn-tui config`: what was found out about the terminal, what was chosen, and by whom."""

from __future__ import annotations

import json
import os
import platform
import sys
from argparse import Namespace
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rnn_tui import terminal
from rnn_tui.choices import chosen, settings_of
from rnn_tui.commands import COMMANDS, command
from rnn_tui.configfile import Config, config_path
from rnn_tui.kept import kept_folder
from rnn_tui.options import flags_of
from rnn_tui.settings import SETTINGS, Chosen, SettingError, shown
from rnn_tui.terminal import TerminalSettings, encoding, is_terminal
from rnn_tui.text import safe_text

PACKAGES = ("rnn-tui", "textual", "rich", "numpy", "msgspec")
VARIABLES = (
    "TERM", "COLORTERM", "TERM_PROGRAM", "COLORFGBG", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "TMUX", "STY",
    "SSH_CONNECTION", "SSH_TTY", "WT_SESSION",
)  # fmt: skip
PRIVATE = ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "WT_SESSION")
"""Whether they are set is what matters; what they say does not belong into a bug report."""


def version_line() -> str:
    """`rnn-tui 0.1.0 (textual 8.2.8, numpy 2.4.6, python 3.11.7)`."""
    of = versions()
    return f"rnn-tui {of['rnn-tui']} (textual {of['textual']}, numpy {of['numpy']}, python {of['python']})"


def show_config(args: Namespace, environ: Mapping[str, str]) -> None:
    """Print where the config file is, and each setting with its value and who chose it. Raises SettingError."""
    config, wished = chosen(flags_of(args), environ, no_config=args.no_config)
    settings = terminal.detect(environ, tty=is_terminal(), encoding=encoding(), wishes=wished)
    print(f"{safe_text(str(config_path()))}  ({_state(args, config)})")
    print()
    print(_table(settings_of(settings, wished)))
    changed = [entry for entry in config.commands if entry != command(entry.id)]
    if changed:
        print("\nkeys")
        wide = max(len(entry.id) for entry in changed)
        for entry in changed:
            print(f"  {entry.id:<{wide}}  {entry.shown_keys}  (otherwise {command(entry.id).shown_keys})")


def diagnose(args: Namespace, environ: Mapping[str, str]) -> int:
    """Print all that decides how the screen looks here; a config file that is broken is part of it."""
    try:
        config, wished = chosen(flags_of(args), environ, no_config=args.no_config)
        state = _state(args, config)
    except SettingError as error:
        config, wished, state = Config(), {}, str(error)
    settings = terminal.detect(environ, tty=is_terminal(), encoding=encoding(), wishes=wished)
    facts: dict[str, Any] = {
        "versions": versions(),
        "platform": platform.platform(),
        "terminal": is_terminal(),
        "refused": settings.refusal,
        "environment": environment(environ),
        "size": size(),
        "encoding": encoding(),
        "multiplexer": terminal.multiplexer(environ),
        "ssh": settings.remote,
        "settings": {
            name: {"value": each.value, "source": each.source}
            for name, each in settings_of(settings, wished).items()
        },
        "config": {"path": str(config_path()), "state": state},
        "kept": str(kept_folder()),
        "keys": {entry.id: list(entry.keys) for entry in config.commands if entry not in COMMANDS},
    }
    print(json.dumps(facts, indent=1) if args.json else _text(facts, settings, wished))
    return 0


def versions() -> dict[str, str]:
    """Of Python and what we stand on, from the metadata of what is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a source tree
            found[package] = "not installed"
    return found


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that matter and are set, ours and Textual's too."""
    ours = sorted(name for name in environ if name.startswith(("RNN_TUI_", "TEXTUAL_")))
    return {
        name: "set" if name in PRIVATE and environ[name] else environ[name]
        for name in (*VARIABLES, *ours)
        if name in environ
    }


def size() -> str:
    """Columns and rows of the terminal, or nothing."""
    try:
        columns, rows = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        return ""
    return f"{columns}x{rows}"


def _state(args: Namespace, config: Config) -> str:
    if args.no_config:
        return "not read: --no-config"
    return "read" if config.path else "not there"


def _table(settings: Mapping[str, Chosen]) -> str:
    rows = [(name, shown(each.value), safe_text(each.source)) for name, each in settings.items()]
    first, second = (max(len(row[at]) for row in rows) for at in (0, 1))
    return "\n".join(f"  {name:<{first}}  {value:<{second}}  {source}" for name, value, source in rows)


def _text(facts: Mapping[str, Any], settings: TerminalSettings, wished: Mapping[str, Chosen]) -> str:
    names = " ".join(f"{name} {number}" for name, number in facts["versions"].items() if name != "rnn-tui")
    unknown = sorted(
        {name for name in facts["environment"] if name.startswith("RNN_TUI_")}
        - {s.variable for s in SETTINGS}
    )
    lines = [
        f"rnn-tui {facts['versions']['rnn-tui']}",
        f"  versions     {names}",
        f"  platform     {facts['platform']}",
        f"  terminal     {'yes' if facts['terminal'] else 'no: input, output and error are not all one'}",
        f"  size         {facts['size'] or 'not known'}",
        f"  encoding     {facts['encoding'] or 'not known'}",
        f"  multiplexer  {facts['multiplexer'] or 'none'}",
        f"  SSH          {'yes' if facts['ssh'] else 'no'}",
        f"  config       {facts['config']['path']}",
        f"               {facts['config']['state']}",
        f"  kept         {facts['kept']}",
        *([f"  refused      {facts['refused']}"] if facts["refused"] else []),
        *(f"  unknown      {name}: no such setting" for name in unknown),
        "",
        "environment",
        *(f"  {name}={value}" for name, value in facts["environment"].items()),
        "",
        "settings",
        *_table(settings_of(settings, wished)).splitlines(),
    ]
    if facts["keys"]:
        lines += ["", "keys", *(f"  {name}: {' '.join(keys)}" for name, keys in facts["keys"].items())]
    return "\n".join(safe_text(line) for line in lines)
