"""The options of the commands that use the screen, made from the table of settings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rnn_tui.settings import SETTINGS, Choice, Setting, Value, YesNo, near


class Chooses(argparse.Action):
    """Takes one of a setting's words; `?` lists them, each with what it means."""

    def __init__(self, *args: Any, kind: Choice, **more: Any) -> None:
        super().__init__(*args, **more)
        self.kind = kind

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        words = self.kind.words
        if values == "?":
            width = max(map(len, words))
            print("\n".join(f"{word:<{width}}  {meaning}" for word, meaning in words.items()))
            parser.exit()
        if values not in words:
            parser.error(f"{option_string} {values}: expected {self.kind.expectation}{near(values, words)}")
        setattr(namespace, self.dest, values)


def add_settings(command: argparse.ArgumentParser) -> None:
    """Give a command the flags of the settings, and `--no-config`."""
    group = command.add_argument_group("settings")
    for setting in SETTINGS:
        if setting.flags:
            _add(group, setting)
    group.add_argument("--no-config", action="store_true", help="go without the config file")


def _add(group: argparse._ArgumentGroup, setting: Setting) -> None:
    kind, about = setting.kind, setting.about.rstrip(".")
    if not about[:2].isupper():  # it begins with no abbreviation
        about = about[0].lower() + about[1:]
    dest, flags, otherwise = f"set_{setting.name}", setting.flags, f" ({setting.otherwise})"
    if isinstance(kind, Choice):
        group.add_argument(
            *flags, dest=dest, action=Chooses, kind=kind, metavar="|".join(kind.words),
            help=f"{about}{otherwise}; ? lists them",
        )  # fmt: skip
    elif isinstance(kind, YesNo):
        group.add_argument(*flags, dest=dest, action=argparse.BooleanOptionalAction, help=about + otherwise)
    else:

        def whole(text: str) -> int:
            if (value := kind.read(text)) is None:
                raise argparse.ArgumentTypeError(f"{text}: expected {kind.expectation}")
            return int(value)

        group.add_argument(*flags, dest=dest, type=whole, metavar="N", help=about + otherwise)


def flags_of(args: argparse.Namespace) -> dict[str, Value | None]:
    """What the flags say, by the names of the settings."""
    return {setting.name: getattr(args, f"set_{setting.name}", None) for setting in SETTINGS}
