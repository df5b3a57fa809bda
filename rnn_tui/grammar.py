"""The command line as plain data, read off the parser: what completion scripts and the manual page are made from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SESSION, FILE, OTHER = "session", "file", ""
"""What a word stands for: a lesson or a file, a file, or something nobody can complete."""


class Word(NamedTuple):
    """What stands behind an option, or by itself."""

    name: str
    """As the help shows it."""
    kind: str
    values: tuple[str, ...] = ()
    """All that it can be, where that is known."""


class Option(NamedTuple):
    """An option of a command."""

    names: tuple[str, ...]
    help: str
    word: Word | None
    """What stands behind it, if anything does."""
    required: bool = False


class Positional(NamedTuple):
    """A word that a command takes by its place."""

    word: Word
    help: str
    optional: bool = False
    many: bool = False


class Grammar(NamedTuple):
    """A command, or the program itself."""

    name: str
    summary: str
    description: str
    options: tuple[Option, ...]
    positionals: tuple[Positional, ...]
    commands: tuple[Grammar, ...] = ()

    def command(self, name: str) -> Grammar:
        """The command of that name."""
        return next(each for each in self.commands if each.name == name)


def grammar(parser: argparse.ArgumentParser, name: str = "", summary: str = "") -> Grammar:
    """All that a parser knows."""
    options: list[Option] = []
    positionals: list[Positional] = []
    commands: list[Grammar] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            about = {choice.dest: choice.help or "" for choice in action._choices_actions}
            commands += [grammar(sub, sub_name, about[sub_name]) for sub_name, sub in action.choices.items()]
        elif action.option_strings:
            word = _word(action) if action.nargs != 0 else None
            options.append(Option(tuple(action.option_strings), _help(action), word, action.required))
        else:
            optional, many = action.nargs in ("?", "*"), action.nargs in ("*", "+")
            positionals.append(Positional(_word(action), _help(action), optional, many))
    return Grammar(
        name, summary, parser.description or "", tuple(options), tuple(positionals), tuple(commands)
    )


def lesson_names() -> tuple[str, ...]:
    """The bundled lessons, in the order to learn in."""
    from rnn_tui.lessons import lessons

    return tuple(lesson.name for lesson in lessons())


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


def _word(action: argparse.Action) -> Word:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    words = getattr(getattr(action, "kind", None), "words", None) or action.choices
    if name == "SESSION":
        return Word(name, SESSION)
    if "--cell" in action.option_strings:
        return Word(name, OTHER, tuple(_cells()))
    if "FILE" in name or "." in name:
        return Word(name, FILE)
    return Word(name, OTHER, tuple(words or ()))


def _cells() -> Iterator[str]:
    import rnn_engine

    cells = Path(rnn_engine.__file__).parent / "cells"
    yield from sorted(path.stem for path in cells.glob("*.txt"))
