"""Completion scripts for bash, zsh and fish, made from the parser: nothing of Python runs at a TAB.

A script of our own, since the command may be left out: the first word is a command, a lesson or a file, and options
before it are those of `open`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from rnn_tui.grammar import FILE, SESSION, Grammar, Word, grammar, lesson_names

FILES = {
    "bash": "share/bash-completion/completions/rnn-tui",
    "zsh": "share/zsh/site-functions/_rnn-tui",
    "fish": "share/fish/vendor_completions.d/rnn-tui.fish",
}
"""Where shells look for them."""


def completion(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for `bash`, `zsh` or `fish`."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](grammar(parser))


# --- bash

_BASH = """\
# bash completion for rnn-tui

_rnn_tui_files() {
    local IFS=$'\\n' name
    compopt -o filenames 2>/dev/null
    for name in $(compgen -f -- "$1"); do COMPREPLY+=("$name"); done
}

_rnn_tui_words() {
    local word
    for word in $2; do [[ $word == "$1"* ]] && COMPREPLY+=("$word"); done
}

_rnn_tui() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=open first=1 at=0 i word
    local commands="@COMMANDS@" lessons="@LESSONS@" options words valued
    COMPREPLY=()
    if [[ $cur == = ]]; then cur=
    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if (( COMP_CWORD > 1 )) && [[ " $commands " == *" ${COMP_WORDS[1]} "* ]]; then
        command=${COMP_WORDS[1]} first=2
    fi
    case $command in
@OPTIONS@
    esac
    case $command$prev in
@VALUES@
    esac
    if [[ $cur == -* ]]; then
        _rnn_tui_words "$cur" "$options"
        (( COMP_CWORD == 1 )) && _rnn_tui_words "$cur" "--version"
        return
    fi
    for (( i = first; i < COMP_CWORD; i++ )); do
        word=${COMP_WORDS[i]}
        if [[ " $valued " == *" $word "* ]]; then
            (( i++ ))
            [[ ${COMP_WORDS[i]} == = ]] && (( i++ ))
        elif [[ $word != -* ]]; then (( at++ ))
        fi
    done
    (( COMP_CWORD == 1 )) && _rnn_tui_words "$cur" "$commands"
    case $command$at in
@POSITIONALS@
    esac
}

complete -F _rnn_tui rnn-tui
"""


def _bash(program: Grammar) -> str:
    options, values, positionals = [], [], []
    for command in program.commands:
        names = [name for option in command.options for name in option.names]
        valued = [name for option in command.options if option.word for name in option.names]
        options.append(f'        {command.name}) options="{" ".join(names)}" valued="{" ".join(valued)}" ;;')
        for option in command.options:
            if option.word:
                cases = "|".join(command.name + name for name in option.names)
                values.append(f"        {cases}) {_bash_word(option.word)}return ;;")
        for at, positional in enumerate(command.positionals):
            pattern = f"{command.name}{at}" + (f"|{command.name}[0-9]*" if positional.many else "")
            if positional.word.kind or positional.word.values:
                positionals.append(f"        {pattern}) {_bash_word(positional.word)};;")
    return (
        _BASH.replace("@COMMANDS@", " ".join(each.name for each in program.commands))
        .replace("@LESSONS@", " ".join(lesson_names()))
        .replace("@OPTIONS@", "\n".join(options))
        .replace("@VALUES@", "\n".join(values))
        .replace("@POSITIONALS@", "\n".join(positionals))
    )


def _bash_word(word: Word) -> str:
    if word.kind == SESSION:
        return '_rnn_tui_words "$cur" "$lessons"; _rnn_tui_files "$cur"; '
    if word.kind == FILE:
        return '_rnn_tui_files "$cur"; '
    return f'_rnn_tui_words "$cur" "{" ".join(word.values)}"; ' if word.values else ""


# --- zsh

_ZSH = """\
#compdef rnn-tui

_rnn_tui_sessions() {
    local -a lessons=(@LESSONS@)
    _alternative "lessons:lesson:($lessons)" 'files:file:_files'
}

_rnn_tui() {
    local -a commands=(
@COMMANDS@
    )
    local command=open
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe -t commands command commands
        _rnn_tui_sessions
        return
    fi
    if (( CURRENT > 2 )) && [[ -n ${(M)commands:#${words[2]}:*} ]]; then
        command=$words[2]
        shift words
        (( CURRENT-- ))
    elif (( CURRENT == 2 )); then
        _arguments '(- *)'{-V,--version}'[show the versions and leave]'
    fi
    case $command in
@CASES@
    esac
}

_rnn_tui "$@"
"""


def _zsh(program: Grammar) -> str:
    cases = []
    for command in program.commands:
        specs = [
            spec
            for option in command.options
            for spec in _zsh_options(option.names, option.help, option.word)
        ]
        specs += [
            _quoted(f"{'*' if each.many else at + 1}:{_plain(each.word.name)}:{_zsh_word(each.word)}")
            for at, each in enumerate(command.positionals)
        ]
        body = " \\\n                ".join(["_arguments -S", *specs])
        cases.append(f"        {command.name})\n            {body} ;;")
    return (
        _ZSH.replace("@LESSONS@", " ".join(lesson_names()))
        .replace(
            "@COMMANDS@",
            "\n".join(f"        {_quoted(f'{c.name}:{_plain(c.summary)}')}" for c in program.commands),
        )
        .replace("@CASES@", "\n".join(cases))
    )


def _zsh_options(names: Iterable[str], help: str, word: Word | None) -> Iterable[str]:
    excluded = " ".join(names)
    for name in names:
        mark = "" if word is None else "=" if name.startswith("--") else "+"
        tail = "" if word is None else f":{_plain(word.name)}:{_zsh_word(word)}"
        yield _quoted(f"({excluded}){name}{mark}[{_plain(help)}]{tail}")


def _zsh_word(word: Word) -> str:
    if word.kind == SESSION:
        return "_rnn_tui_sessions"
    if word.kind == FILE:
        return "_files"
    return f"({' '.join(word.values)})" if word.values else " "


def _plain(text: str) -> str:
    """Without what `_arguments` would read in a description."""
    return text.translate(str.maketrans(":[]\n", " () "))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish


def _fish(program: Grammar) -> str:
    names = " ".join(each.name for each in program.commands)
    lines = [
        "# fish completion for rnn-tui",
        f"set -l lessons {' '.join(lesson_names())}",
        f"set -l none 'not __fish_seen_subcommand_from {names}'",
        'complete -c rnn-tui -n $none -a "$lessons" -d lesson',
        "complete -c rnn-tui -n '__fish_is_first_arg' -s V -l version -d 'show the versions and leave'",
    ]
    lines += [
        f"complete -c rnn-tui -n '__fish_is_first_arg' -a {command.name} -d {_fish_text(command.summary)}"
        for command in program.commands
    ]
    for command in program.commands:
        seen = [
            f"'__fish_seen_subcommand_from {command.name}'",
            *(["$none"] if command.name == "open" else []),
        ]
        for where in seen:
            lines += _fish_command(command, where)
    return "\n".join(lines) + "\n"


def _fish_command(command: Grammar, where: str) -> Iterable[str]:
    head = f"complete -c rnn-tui -n {where}"
    for option in command.options:
        names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
        yield f"{head} {names}{_fish_word(option.word)} -d {_fish_text(option.help)}"
    words = [each.word for each in command.positionals]
    if any(word.kind == SESSION for word in words) and where != "$none":
        yield f'{head} -a "$lessons" -d lesson'
    for word in words:
        if word.values:
            yield f"{head} -f -a '{' '.join(word.values)}'"
    if not any(word.kind for word in words):
        yield f"{head} -f"


def _fish_word(word: Word | None) -> str:
    if word is None:
        return ""
    if word.values:
        return f" -x -a '{' '.join(word.values)}'"
    return " -r" if word.kind else " -x"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
