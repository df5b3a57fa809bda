"""What is made from the parser: completion scripts and the manual page; and the examples in the help."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from rnn_tui import arguments, examples, usage
from rnn_tui.completion import FILES, completion
from rnn_tui.grammar import Grammar, grammar, lesson_names
from rnn_tui.manual import manual
from rnn_tui.settings import SETTINGS
from tests.conftest import python

BASH = """
source {script}
words() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _rnn_tui; printf '%s\\n' "${{COMPREPLY[@]}}"; }}
words {words}
"""


def program() -> Grammar:
    return grammar(arguments.parser())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some files, and the script beside them."""
    root = tmp_path_factory.mktemp("shell")
    (root / "script").write_text(completion("bash", arguments.parser()), "utf-8")
    (root / "here").mkdir()
    for name in ("my file.json", "mine.csv", "-x"):
        (root / "here" / name).touch()
    return root


def completed(folder: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    text = BASH.format(script=shlex.quote(str(folder / "script")), words=shlex.join(["rnn-tui", *words]))
    command = [shutil.which("bash") or "bash", "--norc", "--noprofile", "-u", "-c", text]
    result = subprocess.run(
        command, cwd=folder / "here", capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0
    assert not result.stderr
    return set(result.stdout.splitlines()) - {""}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("hel",), {"hello"}),
        (("tra",), {"trace"}),
        (("m",), {"mine.csv", "my file.json"}),
        (("--them",), {"--theme"}),
        (("--ver",), {"--version"}),
        (("--theme", ""), {"dark", "light", "terminal", "plain"}),
        (("--theme", "=", "li"), {"light"}),
        (("--theme", "="), {"dark", "light", "terminal", "plain"}),
        (("--fps", "3", "hel"), {"hello"}),
        (("hello", "--no-m"), {"--no-mouse"}),
        (("trace", "van"), {"vanishing"}),
        (("trace", "--from", "2:forward", "van"), {"vanishing"}),
        (("trace", "hello", ""), set()),
        (("why", "hello", ""), set()),
        (("check", "hello", "van"), {"vanishing"}),
        (("new", "--cell", "lstm-"), {"lstm-concat", "lstm-peephole"}),
        (("new", "--text", "my"), {"my file.json"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
        (("config", "p"), {"path"}),
        (("predict", "hello", "mi"), {"mine.csv"}),
    ],
)
def test_bash_completes(folder: Path, words: tuple[str, ...], offered: set[str]) -> None:
    assert completed(folder, *words) == offered


def test_bash_knows_every_command_every_lesson_every_option(folder: Path) -> None:
    assert completed(folder, "") >= {*usage.COMMANDS, *lesson_names()}
    for command in program().commands:
        names = {name for option in command.options for name in option.names}
        assert completed(folder, command.name, "-") == names


@pytest.mark.parametrize("shell", FILES)
def test_every_script_names_all_there_is(shell: str) -> None:
    script = completion(shell, arguments.parser())
    for name in (*usage.COMMANDS, *lesson_names()):
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", script), name
    for command in program().commands:
        for option in command.options:
            for name in option.names:
                in_fish = f"-l {name[2:]} " if name.startswith("--") else f"-s {name[1:]} "
                assert (in_fish if shell == "fish" else name) in script
    assert "@" not in re.sub(r'"\$@"|\[@\]', "", script)


@pytest.mark.parametrize("shell", FILES)
def test_the_command_prints_the_script(shell: str) -> None:
    result = python("-m", "rnn_tui", "completion", shell)
    assert result.stdout == completion(shell, arguments.parser())


def test_texts_with_quotes_stay_within_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A help with quotes, brackets and colons must not end a string of the script."""
    trace = arguments.GRAMMAR["trace"]

    def fill(command: argparse.ArgumentParser) -> None:
        trace.fill(command)
        command.add_argument("--odd", metavar="O", help="it's [odd]: $(touch x) `touch x` \\")

    monkeypatch.setattr(arguments, "GRAMMAR", {**arguments.GRAMMAR, "trace": trace._replace(fill=fill)})
    parser = arguments.parser()
    assert "'(--odd)--odd=[it'\\''s (odd)  $(touch x) `touch x` \\]:O: '" in completion("zsh", parser)
    assert "-d 'it\\'s [odd]: $(touch x) `touch x` \\\\'" in completion("fish", parser)
    assert "touch x" not in completion("bash", parser)


# --- the manual page


def test_the_manual_page_has_every_command_option_and_variable() -> None:
    page = manual(arguments.parser(), "1.2")
    text = page.replace("\\-", "-")
    for command in program().commands:
        assert f"\n.SS rnn-tui {command.name}" in text
        for option in command.options:
            for name in set(option.names) - {"-h", "--help"}:
                assert f"\\fB{name}\\fR" in text
    assert all(setting.variable in text for setting in SETTINGS)
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "ENVIRONMENT", "FILES", "EXIT STATUS"):
        assert f"\n.SH {heading}\n" in page
    assert page.startswith('.TH RNN-TUI 1 "" "rnn-tui 1.2"')


def test_no_line_of_the_manual_page_becomes_a_request_by_chance() -> None:
    requests = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".br", ".nf", ".fi"}
    for line in manual(arguments.parser(), "1").splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in requests, line
        assert re.sub(r"\\(f[BIR]|-|e|&|\(aq)", "", line).count("\\") == 0, line


# --- examples


def test_help_begins_with_examples_that_parse() -> None:
    found = 0
    for name, text in {"": examples.PROGRAM, **examples.COMMANDS}.items():
        calls = re.findall(r"^  rnn-tui(.*?)(?:  .*| > .*)?$", text, re.MULTILINE)
        assert calls, name
        for call in calls:
            words = [word for word in shlex.split(call) if word != "?"]
            arguments.parse(words[:-1] if words[-1:] == ["--theme"] else words)
            found += 1
        if name:
            text = arguments.command_parser(name).format_help()
            assert text.index("examples:") < text.index("options:")
    assert found > 25
    assert "ASCII alone" in arguments.command_parser("open").format_help()


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(examples.COMMANDS) <= set(usage.COMMANDS)
