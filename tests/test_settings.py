"""Settings: flag before variable before config file before what the terminal says; and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual.keys import _character_to_key

from rnn_engine.snapshot import Matrix
from rnn_tui import arguments, terminal
from rnn_tui.choices import chosen
from rnn_tui.commands import COMMANDS, VIEWS, Command, command, keys_in
from rnn_tui.configfile import MAX_BYTES, Config, config_path, example, load
from rnn_tui.keynames import KeyNameError, key_name, printed
from rnn_tui.options import flags_of
from rnn_tui.rebind import FIXED, rebound
from rnn_tui.render.measure import NUMBERS, decimals, measure
from rnn_tui.settings import COLOURS, LAYOUTS, SETTINGS, THEMES, Chosen, SettingError, Whole, wishes
from rnn_tui.terminal import TerminalSettings
from tests.conftest import ROOT, Result
from tools.make_config import page

Program = Callable[..., Result]
UTF8 = {"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}
SSH = {"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}


def settings(
    environ: dict[str, str], *flags: str, file: str = "", encoding: str = "utf-8"
) -> TerminalSettings:
    """What `rnn-tui open FLAGS` would come to with that environment and that config file."""
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text(file, "utf-8")
    args = arguments.parse(["open", *flags])
    _, wished = chosen(flags_of(args), environ, no_config=args.no_config)
    return terminal.detect(environ, tty=True, encoding=encoding, wishes=wished)


# --- what the terminal says


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "16m"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, "16m"),
        ({"TERM": "xterm-direct"}, "16m"),
        ({"TERM": "xterm-kitty"}, "16m"),
        ({"TERM": "alacritty", **SSH}, "16m"),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, "16m"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0", "COLORTERM": "truecolor"}, "16m"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0"}, "256"),
        ({"TERM": "screen-256color", "STY": "1.pts", "COLORTERM": "truecolor"}, "256"),
        ({"TERM": "screen", "STY": "1.pts", "COLORTERM": "truecolor"}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({}, "16"),
        ({"TERM": "vt100"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
    ],
)
def test_colours(environ: dict[str, str], colours: str) -> None:
    assert settings(environ).chosen["colours"].value == colours


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({}, "dark"),
        ({"COLORFGBG": "15;0"}, "dark"),
        ({"COLORFGBG": "0;15"}, "light"),
        ({"COLORFGBG": "0;default;7"}, "light"),
        ({"COLORFGBG": "12;8"}, "dark"),
        ({"COLORFGBG": "0;default"}, "dark"),
        ({"TERM": "xterm"}, "terminal"),
        ({"NO_COLOR": "1"}, "plain"),
        ({"TERM": "vt220"}, "plain"),
    ],
)
def test_theme(environ: dict[str, str], theme: str) -> None:
    assert settings(UTF8 | environ).theme == theme


@pytest.mark.parametrize(
    ("environ", "encoding", "unicode"),
    [
        ({}, "utf-8", True),
        ({}, "UTF8", True),
        ({"LANG": "de_DE.UTF-8"}, "utf-8", True),
        ({"LANG": "de_DE"}, "iso8859-1", False),
        ({}, "", False),
        ({"LC_ALL": "C"}, "utf-8", False),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "utf-8", False),
        ({"LC_ALL": "de_DE.UTF-8", "LANG": "C"}, "utf-8", True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, "utf-8", False),  # so Python leaves LANG=C
        ({"LC_CTYPE": "C.UTF-8"}, "utf-8", True),  # and so an empty environment
        ({"TERM": "linux", "LANG": "de_DE.UTF-8"}, "utf-8", False),
    ],
)
def test_glyphs(environ: dict[str, str], encoding: str, unicode: bool) -> None:
    assert settings(environ, encoding=encoding).unicode is unicode


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
def test_over_ssh_there_is_no_mouse_and_fewer_frames(variable: str) -> None:
    here, there = settings(UTF8), settings(UTF8 | {variable: "x"})
    assert (here.mouse, here.fps, here.remote) == (True, 60, False)
    assert (there.mouse, there.fps, there.remote) == (False, 20, True)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_is_refused(term: str) -> None:
    assert "TERM" in settings({"TERM": term}).refusal
    assert not settings(UTF8).refusal


# --- who goes before whom

CASES: tuple[tuple[str, tuple[str, ...], str, str, tuple[object, ...]], ...] = (
    ("theme", ("--theme", "plain"), "terminal", 'theme = "light"', ("plain", "terminal", "light", "dark")),
    ("colours", ("--colors", "16m"), "16", 'colours = "none"', ("16m", "16", "none", "256")),
    ("ascii", ("--no-ascii",), "yes", "ascii = true", (False, True, True, False)),
    ("mouse", ("--no-mouse",), "on", "mouse = false", (False, True, False, True)),
    ("fps", ("--fps", "7"), "8", "fps = 9", (7, 8, 9, 60)),
)  # fmt: skip
"""Setting, its flag, its variable, its line in the file → the value by each of these, and by none of them."""


@pytest.mark.parametrize(("name", "flag", "variable", "line", "values"), CASES)
def test_flag_before_variable_before_file_before_terminal(
    name: str, flag: tuple[str, ...], variable: str, line: str, values: tuple[object, ...]
) -> None:
    environ = UTF8 | {f"RNN_TUI_{name.upper()}": variable}
    assert settings(environ, *flag, file=line).chosen[name].value == values[0]
    found = settings(environ, file=line).chosen[name]
    assert (found.value, found.source) == (values[1], f"RNN_TUI_{name.upper()}")
    found = settings(UTF8, file=line).chosen[name]
    assert (found.value, found.source) == (values[2], "config.toml")
    assert settings(UTF8).chosen[name].value == values[3]
    assert settings(UTF8, "--no-config", file=line).chosen[name].value == values[3]


def test_every_setting_of_the_screen_is_among_the_cases() -> None:
    assert {case[0] for case in CASES} == {setting.name for setting in SETTINGS if setting.flags}


def test_a_theme_that_is_asked_for_goes_before_no_color() -> None:
    """As https://no-color.org says; one in the file only says which colours, where there are any."""
    environ = UTF8 | {"NO_COLOR": "1"}
    assert settings(environ, "--theme", "light").colours == "256"
    assert settings(environ | {"RNN_TUI_THEME": "light"}).theme == "light"
    assert settings(environ, file='theme = "light"').theme == "plain"
    assert settings(environ, "--colours", "256").theme == "dark"
    assert settings(UTF8, "--colours", "none", "--theme", "dark").theme == "plain"


def test_an_empty_variable_says_nothing() -> None:
    assert settings(UTF8 | {"RNN_TUI_THEME": ""}).theme == "dark"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (TerminalSettings(), {"TEXTUAL_FPS": "60", "TEXTUAL_COLOR_SYSTEM": "truecolor"}),
        (TerminalSettings(colours="256", fps=12), {"TEXTUAL_FPS": "12", "TEXTUAL_COLOR_SYSTEM": "256"}),
        (TerminalSettings(colours="standard"), {"TEXTUAL_FPS": "60", "TEXTUAL_COLOR_SYSTEM": "standard"}),
        (
            TerminalSettings(colours="none"),
            {"TEXTUAL_FPS": "60", "TEXTUAL_COLOR_SYSTEM": "standard", "NO_COLOR": "1"},
        ),
    ],
)
def test_textual_is_told(found: TerminalSettings, told: dict[str, str]) -> None:
    environ = {"NO_COLOR": "", "LINES": "3", "COLUMNS": "3", "TEXTUAL_FPS": "33"}
    terminal.prepare(found, environ)
    assert environ == {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", **told}


def test_what_was_said_to_textual_itself_counts_as_found_out() -> None:
    assert settings(UTF8 | {"TEXTUAL_FPS": "33"}).fps == 33
    assert settings(UTF8 | {"TEXTUAL_FPS": "33"}, "--fps", "5").fps == 5
    assert settings(UTF8 | {"TEXTUAL_FPS": "lots"}).fps == 60


# --- what is refused, in one line


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["--theme", "drak"], {}, ("--theme drak", "dark, light", "did you mean dark?")),
        (["--colours", "17"], {}, ("--colours 17", "one of 16m")),
        (["--fps", "0"], {}, ("--fps", "from 1 to 120")),
        (["--fps", "many"], {}, ("--fps", "many", "from 1 to 120")),
        (["--fps", "9" * 5000], {}, ("--fps", "from 1 to 120")),
        (["--asci1"], {}, ("--asci1", "did you mean --ascii?")),
        (["hello", "--no-moose"], {}, ("did you mean --no-mouse?",)),
        (["trce", "hello"], {}, ("did you mean trace?",)),
        ([], {"RNN_TUI_FPS": "many"}, ('RNN_TUI_FPS = "many"', "from 1 to 120")),
        ([], {"RNN_TUI_MOUSE": "maybe"}, ("RNN_TUI_MOUSE", "true or false")),
        ([], {"RNN_TUI_THEME": "\x1b[31m"}, ("RNN_TUI_THEME", "one of dark")),
        (["config", "where"], {}, ("where", "path")),
    ],
)
def test_bad_flags_and_variables(
    rnn_tui: Program, arguments: list[str], environ: dict[str, str], words: tuple[str, ...]
) -> None:
    result = rnn_tui(*arguments, env=environ)
    refused(result, *words)


def refused(result: Result, *words: str) -> None:
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr[:-1].isprintable()
    for word in words:
        assert word in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("theme = light", ("line 1", "expected TOML")),
        ("theme = 3", ("theme = 3", "one of dark, light")),
        ('theme = "lihgt"', ('theme = "lihgt"', "did you mean light?")),
        ('mouse = "no"', ('mouse = "no"', "true or false")),
        ("mouse = 1", ("mouse = 1", "true or false")),
        ("fps = 30.5", ("fps = 30.5", "whole number")),
        ("fps = true", ("fps = true", "whole number")),
        ("fps = 1979-05-27", ("a date", "whole number")),
        ("precision = 40", ("precision = 40", "from 1 to 8")),
        ('layout = ["wide"]', ("layout = a list", "one of auto")),
        ("them = 'dark'", ("them: no such setting", "did you mean theme?")),
        ("[colours]\na = 1", ("colours = a table",)),
        ("keys = 'n'", ("keys", "expected a table")),
        ("[keys]\nstepp = 'n'", ("keys.stepp", "did you mean step?")),
        ("[keys]\nstpe = 'n'", ("keys.stpe", "did you mean step?")),
        ("[keys]\nzzzzzzzz = 'n'", ("keys.zzzzzzzz", "--example")),
        ("[keys]\nstep = 'n'", ("keys.step", '"n"', "`time`")),
        ("[keys]\nstep = 'Q'\nmark = 'Q'", ("keys.step", "`mark`")),
        ("[keys]\nstep = 'hyper+n'", ("keys.step", "hyper+n", "ctrl+")),
        ("[keys]\nstep = 'nn'", ("keys.step", "no key of this name")),
        ("[keys]\nstep = 'ctrl+i'", ("keys.step", "tab")),
        ("[keys]\nstep = 'ctrl+q'", ("keys.step", "quits")),
        ("[keys]\nstep = []", ("keys.step", "expected a key")),
        ("[keys]\nstep = [3]", ("keys.step = 3", "expected a key")),
        ("[keys]\nstep = {a = 1}", ("keys.step = a table", "expected a key")),
        ("[keys]\ncount = 'n'", ("keys.count", "digits")),
        ("[keys]\nclose = 'h'\nmap_left = 'left'\nstop='x'", ("keys.stop",)),
        ("[keys]\nmap_right = 'e'", ("keys.map_right", "`scale`")),
        ('theme = "\\u001b]0;PWNED\\u0007\\u202e"', ("PWNED", "one of dark")),
        ('"\\u001b[2J" = 1', ("no such setting",)),
        ('"' + "a" * 9000 + '" = 1', ("no such setting",)),
        ("a = " + "[" * 30000, ("TOML",)),
        ("a = " + "9" * 30000, ("TOML",)),
        ("fps = " + "9" * 4000, ("whole number",)),
        ("#" * (MAX_BYTES + 1), ("at most",)),
        (b"theme = '\xff'", ("UTF-8",)),
    ],
)
def test_a_broken_config_file(rnn_tui: Program, content: str | bytes, words: tuple[str, ...]) -> None:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 600
    (here,) = (result := rnn_tui("hello")).stderr.splitlines()  # the terminal would be refused after it
    assert result.returncode == 2
    assert "config.toml" in here
    assert here.isprintable()


def test_a_config_file_that_is_no_file(rnn_tui: Program) -> None:
    path = config_path()
    path.mkdir(parents=True)
    refused(rnn_tui("hello"), "config.toml", "expected a file")
    path.rmdir()
    os.mkfifo(path)
    refused(rnn_tui("config"), "config.toml", "expected a file")
    refused(rnn_tui("hello", "--no-config"), "terminal")


def test_only_what_uses_the_settings_reads_the_file(rnn_tui: Program) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text("theme = 3", "utf-8")
    assert rnn_tui("trace", "hi-there").returncode == 0
    assert rnn_tui("config", "path").stdout == f"{config_path()}\n"


def test_reading_writes_nothing(rnn_tui: Program, tmp_path: Path) -> None:
    for words in (["config"], ["config", "path"], ["config", "--example"], ["diagnose"], ["hello"]):
        rnn_tui(*words)
    assert [*config_path().parent.parent.rglob("*")] == []
    assert [*tmp_path.iterdir()] == []


# --- keys


def test_every_key_of_the_table_can_be_written_as_it_is_shown() -> None:
    for entry in COMMANDS:
        for key, shown in zip(entry.keys, entry.shown_keys.split(), strict=True):
            if entry.id not in FIXED:
                assert key_name(shown) == key_name(key) == key


def test_names_of_characters_are_those_of_textual() -> None:
    for code in (*range(0x20, 0x7F), 0xE9, 0xDF, 0x416, 0xA7):
        character = chr(code)
        assert key_name(character) == _character_to_key(character)
        assert code == 0x20 or printed(key_name(character)) == character


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Right", "right"), ("→", "right"), ("ESC", "escape"), ("F5", "f5"), ("ctrl+N", "ctrl+n"), ("Ctrl-N", "ctrl+n"),
        ("shift+left", "shift+left"), ("alt+x", "alt+x"), ("PgUp", "pageup"), ("slash", "slash"), ("/", "slash"),
    ],
)  # fmt: skip
def test_spellings_of_keys(text: str, name: str) -> None:
    assert key_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "nn", "ctrl+", "+", "ctrl+é", "shift+a", "\x1b", "NULL", "f13", "ctrl+alt+a", "ctrl+m"]
)
def test_no_keys(text: str) -> None:
    if text != "+":
        with pytest.raises(KeyNameError):
            key_name(text)


def test_keys_are_bound_anew_and_the_table_stays() -> None:
    before = COMMANDS
    table = rebound({"time": "ctrl+n", "step": ["n", "right"], "mark": "ctrl+t"}, "file")
    assert COMMANDS is before
    assert command("step").keys == ("right",)
    assert keys_in("", table)["n"].id == "step"
    assert keys_in("", table)["ctrl+n"].id == "time"
    assert "m" not in keys_in("", table)
    assert [entry.id for entry in table] == [entry.id for entry in COMMANDS]


def test_keys_may_be_exchanged() -> None:
    table = rebound({"phase": "i", "iteration": "f"}, "file")
    assert (command("phase", table).keys, command("iteration", table).keys) == (("i",), ("f",))


# --- example, page, reports


def test_the_example_says_nothing_until_its_hashes_go() -> None:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example(), "utf-8")
    assert load(path) == Config(path)


def test_the_example_without_its_hashes_is_valid_and_has_everything() -> None:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {*(setting.name for setting in SETTINGS), *(entry.id for entry in COMMANDS), "[keys]"}
    lines = [line[2:] for line in example().splitlines() if line[2:].split(" = ")[0] in names]
    path.write_text("\n".join(lines), "utf-8")
    config = load(path)
    assert set(config.values) == {setting.name for setting in SETTINGS}
    assert config.commands == COMMANDS
    assert len(lines) == len(SETTINGS) + 1 + len([e for e in COMMANDS if e.id not in FIXED and e.keys])


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "config.md").read_text("utf-8")
    assert written == page(), "run: python tools/make_config.py"


def test_config_says_what_and_who(rnn_tui: Program) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text('fps = 9\n[keys]\nstep = "ctrl+n"', "utf-8")
    result = rnn_tui("config", "--theme", "light", env={"RNN_TUI_MOUSE": "no", "TERM": "xterm-256color"})
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.startswith("  ")}
    assert rows["theme"] == ['"light"', "--theme"]
    assert rows["mouse"] == ["false", "RNN_TUI_MOUSE"]
    assert rows["fps"] == ["9", "config.toml"]
    assert rows["precision"] == ["4", "default"]
    assert rows["step"] == ["Ctrl-N", "(otherwise", "→)"]
    assert {setting.name for setting in SETTINGS} <= set(rows)
    assert str(config_path()) in result.stdout


def test_diagnose(rnn_tui: Program) -> None:
    environ = {"TERM": "screen-256color", "STY": "1", "RNN_TUI_FPZ": "3", "SSH_CONNECTION": "secret"}
    facts = json.loads(rnn_tui("diagnose", "--json", env=environ).stdout)
    assert facts["settings"]["colours"] == {"value": "256", "source": "GNU screen, TERM=screen-256color"}
    assert facts["multiplexer"] == "screen"
    assert facts["ssh"] is True
    assert facts["terminal"] is False
    assert facts["config"] == {"path": str(config_path()), "state": "not there"}
    assert set(facts["settings"]) == {setting.name for setting in SETTINGS}
    assert {"python", "textual", "numpy", "rich"} <= set(facts["versions"])
    text = rnn_tui("diagnose", env=environ).stdout
    assert "RNN_TUI_FPZ: no such setting" in text
    assert "secret" not in text + str(facts)
    for name, each in facts["settings"].items():
        assert name in text
        assert str(each["source"]) in text


def test_diagnose_reports_a_broken_config(rnn_tui: Program) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text('theme = "\\u001b[2J"', "utf-8")
    result = rnn_tui("diagnose")
    assert result.returncode == 0
    assert "expected one of dark" in result.stdout
    assert all(line.isprintable() for line in result.stdout.splitlines())


@pytest.mark.parametrize(("flag", "words"), [("--theme", THEMES), ("--colours", COLOURS)])
def test_a_question_mark_lists(rnn_tui: Program, flag: str, words: dict[str, str]) -> None:
    result = rnn_tui(flag, "?")
    assert result.returncode == 0
    assert [tuple(line.split(maxsplit=1)) for line in result.stdout.splitlines()] == [*words.items()]


# --- the table itself


def test_a_setting_that_has_an_example_takes_it() -> None:
    for setting in SETTINGS:
        assert setting.checked(setting.example, "x") == setting.example
        assert setting.about.endswith(".")
        assert not setting.otherwise.endswith(".")


def test_numbers_as_texts() -> None:
    kind = Whole(1, 120)
    read = [kind.read(text) for text in ("1", "120", "0", "121", "-1", "1.0", "٣", "", " 5")]
    assert read == [1, 120, None, None, None, None, None, None, None]


def test_layouts_are_those_of_the_screen() -> None:
    from rnn_tui.render.arrange import KINDS

    assert set(LAYOUTS) == {"auto", *KINDS}


def test_a_wish_of_nobody() -> None:
    assert wishes({"theme": None}, {}, {}) == {}
    assert wishes({"mouse": False}, {}, {}) == {"mouse": Chosen(False, "--no-mouse", asked=True)}


def test_a_rebound_view_keeps_a_way_out() -> None:
    table: tuple[Command, ...] = rebound({"close": "ctrl+x"}, "file")
    for view in VIEWS:
        ids = {entry.id for entry in keys_in(view, table).values()}
        assert ids & {"close", "out", "end_predict", "as_before"}


@pytest.mark.parametrize(
    ("precision", "places"),
    [(4, [4, 3, 2]), (8, [8, 5, 2]), (6, [6, 4, 2]), (3, [3, 3, 2]), (2, [2, 2, 2]), (1, [1, 1, 1])],
)
def test_decimals_get_fewer_from_what_was_wanted(precision: int, places: list[int]) -> None:
    shape = measure(Matrix("W", np.array([[0.5]]), ("0",), ("0",)), precision=precision)
    assert [decimals(shape, form) for form in NUMBERS[-3:]] == places
