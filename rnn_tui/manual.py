"""The manual page, `rnn-tui(1)`, made from the parser and the table of settings."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from rnn_tui.grammar import Grammar, Option, grammar
from rnn_tui.settings import SETTINGS

FILE = "share/man/man1/rnn-tui.1"
"""Where `man` looks for it."""


def manual(parser: argparse.ArgumentParser, version: str) -> str:
    """The page, as roff."""
    program = grammar(parser)
    lines = [f'.TH RNN-TUI 1 "" "rnn-tui {_roff(version)}" "User Commands"', ".SH NAME"]
    lines.append("rnn\\-tui \\- a time\\-travel step debugger for recurrences, in the terminal")
    lines += [".SH SYNOPSIS", ".B rnn\\-tui", "[\\fIOPTION\\fR ...] [\\fISESSION\\fR]", ".br", ".B rnn\\-tui"]
    lines += ["\\fICOMMAND\\fR [\\fIOPTION\\fR ...] [\\fIARGUMENT\\fR ...]", ".SH DESCRIPTION"]
    lines += [
        "Steps through a recurrence (an RNN, an LSTM, a GRU, or equations of one's own) equation by equation:",
        "forward in time, through the loss, backward through time, through the update, and back again.",
        ".PP",
        "A \\fISESSION\\fR is the name of a lesson (\\fBrnn\\-tui list\\fR shows them) or a file. An address is",
        "\\fIiteration\\fR:\\fIphase\\fR:\\fIt\\fR:\\fIequation\\fR, as in 12:backward:3:h.",
        ".SH EXAMPLES",
    ]
    lines += _examples(program.description)
    lines.append(".SH COMMANDS")
    for command in program.commands:
        lines += _command(command)
    lines += [
        ".SH ENVIRONMENT",
        "Each goes before the config file, and a flag goes before it.",
        *_environment(),
    ]
    lines += [
        ".SH FILES", ".TP", ".I $XDG_CONFIG_HOME/rnn\\-tui/config.toml",
        "Settings and keys; \\fBrnn\\-tui config path\\fR says where it is, \\fBrnn\\-tui config \\-\\-example\\fR",
        "prints one.",
        ".TP", ".I $XDG_STATE_HOME/rnn\\-tui/kept/",
        "Sessions with edits, marks and notes that were not saved when a signal or a lost terminal ended the program.",
        ".SH EXIT STATUS", ".TP", ".B 0", "Fine.", ".TP", ".B 1", "Something failed, or a check did not hold.",
        ".TP", ".B 2", "Bad usage, or a file that is not valid.", ".TP", ".B 130", "Interrupted.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _command(command: Grammar) -> Iterable[str]:
    words = [f"[{p.word.name}]" if p.optional else p.word.name for p in command.positionals]
    yield f".SS rnn\\-tui {_roff(command.name)} {_roff(' '.join(words))}".rstrip()
    text, _, examples = command.description.partition("examples:\n")
    for paragraph in text.strip().split("\n\n"):
        yield from (_line(" ".join(paragraph.split())), ".PP")
    for option in command.options:
        if option.names[0] not in ("-h", "--help"):
            yield from (".TP", _names(option), _line(_sentence(option)))
    if examples:
        yield from (".PP", *_examples(examples))


def _names(option: Option) -> str:
    word = f" \\fI{_roff(option.word.name)}\\fR" if option.word else ""
    return ", ".join(f"\\fB{_roff(name)}\\fR" for name in option.names) + word


def _sentence(option: Option) -> str:
    text = option.help[:1].upper() + option.help[1:]
    more = [text.rstrip(".") or option.names[-1].lstrip("-").capitalize()]
    if option.word and option.word.values and option.word.name != "|".join(option.word.values):
        more.append(f"One of {', '.join(option.word.values)}")
    return ". ".join(more) + "."


def _examples(text: str) -> Iterable[str]:
    """The lines of `text` that are calls of the program, as they are."""
    calls = [line[2:] for line in text.splitlines() if re.match(r"  \S", line)]
    yield from (".nf", *(_line(call) for call in calls), ".fi")


def _environment() -> Iterable[str]:
    for setting in SETTINGS:
        yield from (
            ".TP",
            f".B {setting.variable}",
            _line(f"{setting.about} Otherwise: {setting.otherwise}."),
        )
    yield from (".TP", ".B NO_COLOR", "Where it is set and not empty, there is no colour.")


def _line(text: str) -> str:
    """A line of text; one that begins like a request does not become one."""
    line = _roff(text)
    return f"\\&{line}" if line[:1] in (".", "'") else line


def _roff(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
