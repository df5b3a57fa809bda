"""The table of settings: flags, environment variables, the config file, its example and its page come from it.

A setting is chosen by, in this order: its flag, its variable `RNN_TUI_*`, the config file, what was found out about
the terminal (`terminal.py`). This module imports neither Textual nor NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

THEMES = {
    "dark": "light text on a dark ground",
    "light": "dark text on a light ground",
    "terminal": "the terminal's own ground and its sixteen colours",
    "plain": "no colour: bold, faint, underlined, reversed",
}
COLOURS = {
    "16m": "true colour",
    "256": "the 256-colour cube",
    "16": "sixteen colours",
    "none": "no colour at all",
}
LAYOUTS = {
    "auto": "by the size of the terminal",
    "narrow": "rules instead of frames, and an explanation has the screen to itself",
    "normal": "frames where there is room, explanations among the panes; never the wide one",
    "wide": "with a loss curve where there is room, which is what auto comes to",
}

Value = str | int | bool


class SettingError(Exception):
    """A setting that cannot be used, in one line: where it stands, what it says, what was expected."""


class Choice(NamedTuple):
    """One of some words, each with what it means."""

    words: Mapping[str, str]

    @property
    def expectation(self) -> str:
        """What a value should be."""
        return "one of " + ", ".join(self.words)

    def takes(self, value: object) -> bool:
        """Whether that is a value of this kind."""
        return isinstance(value, str) and value in self.words

    def read(self, text: str) -> Value | None:
        """The value of a text; None if it has none."""
        return text if text in self.words else None


class YesNo(NamedTuple):
    """True or false."""

    expectation: str = "true or false"

    def takes(self, value: object) -> bool:
        """Whether that is a value of this kind."""
        return isinstance(value, bool)

    def read(self, text: str) -> Value | None:
        """The value of a text; None if it has none."""
        words = {"1": True, "true": True, "yes": True, "on": True}
        words |= {"0": False, "false": False, "no": False, "off": False}
        return words.get(text.lower())


class Whole(NamedTuple):
    """A whole number from `least` to `most`."""

    least: int
    most: int

    @property
    def expectation(self) -> str:
        """What a value should be."""
        return f"a whole number from {self.least} to {self.most}"

    def takes(self, value: object) -> bool:
        """Whether that is a value of this kind."""
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most

    def read(self, text: str) -> Value | None:
        """The value of a text; None if it has none."""
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            return None
        return int(text) if self.takes(int(text)) else None


class Setting(NamedTuple):
    """One thing that can be set."""

    name: str
    kind: Choice | YesNo | Whole
    about: str
    """One sentence."""
    otherwise: str
    """What holds where nobody chose."""
    example: Value
    flags: tuple[str, ...] = ()
    """Options of the commands that use the screen; none: the file and the variable only."""

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"RNN_TUI_{self.name.upper()}"

    def checked(self, value: object, where: str) -> Value:
        """The value, if it is one of this setting. Raises SettingError."""
        if self.kind.takes(value):
            return value  # type: ignore[return-value]  # the kind has looked
        hint = near(value, self.kind.words) if isinstance(self.kind, Choice) else ""
        raise SettingError(f"{where} = {shown(value)}: expected {self.kind.expectation}{hint}")


SETTINGS = (
    Setting(
        "theme", Choice(THEMES), "The colours of the screen.",
        "by COLORFGBG, else dark; terminal where there are sixteen colours, plain where there are none",
        "dark", ("--theme",),
    ),
    Setting(
        "colours", Choice(COLOURS), "How many colours the terminal is sent.", "by NO_COLOR, COLORTERM and TERM", "256",
        ("--colours", "--colors"),
    ),
    Setting(
        "ascii", YesNo(), "ASCII alone, without lines, bars and symbols.",
        "by the locale; ASCII on the Linux console", False, ("--ascii",),
    ),
    Setting(
        "mouse", YesNo(), "Whether the mouse selects panes and cells; without it, the terminal selects text.",
        "on; off over SSH", True, ("--mouse",),
    ),
    Setting(
        "fps", Whole(1, 120), "How often a second the screen is painted at most.", "60; 20 over SSH", 30, ("--fps",),
    ),
    Setting("precision", Whole(1, 8), "How many decimals the panes show, where there is room.", "4", 4),
    Setting("layout", Choice(LAYOUTS), "How the panes are arranged.", "auto", "auto"),
)  # fmt: skip


class Chosen(NamedTuple):
    """The value of a setting, and who chose it."""

    value: Value
    source: str
    """Such as `--fps`, `RNN_TUI_FPS`, `config.toml`, `TERM=xterm-256color`."""
    asked: bool = False
    """Whether it was asked for this time: by a flag or a variable."""


def wishes(
    flags: Mapping[str, Value | None], environ: Mapping[str, str], file: Mapping[str, Value]
) -> dict[str, Chosen]:
    """What was chosen by somebody: flag before variable before file. Raises SettingError for a bad variable."""
    found: dict[str, Chosen] = {}
    for setting in SETTINGS:
        flag = flags.get(setting.name)
        text = environ.get(setting.variable, "")
        if flag is not None:
            found[setting.name] = Chosen(flag, _flag(setting, flag), asked=True)
        elif text:
            value = setting.kind.read(text)
            found[setting.name] = Chosen(
                setting.checked(text if value is None else value, setting.variable),
                setting.variable,
                asked=True,
            )
        elif setting.name in file:
            found[setting.name] = Chosen(file[setting.name], "config.toml")
    return found


def _flag(setting: Setting, value: Value) -> str:
    return setting.flags[0] if value is not False else setting.flags[0].replace("--", "--no-", 1)


def near(word: object, known: Iterable[str], prefix: str = "") -> str:
    """`; did you mean …?`, or nothing. That they all begin with `prefix` makes no two of them alike."""
    import difflib  # only what went wrong needs it

    names = [name.removeprefix(prefix) for name in known]
    typed = str(word).lower()[:80].lstrip(prefix)
    swapped = [name for name in names if sorted(name) == sorted(typed)]  # letters, which difflib counts twice
    found = swapped or difflib.get_close_matches(typed, names, n=1, cutoff=0.6 if prefix else 0.5)
    return f"; did you mean {prefix}{found[0]}?" if found else ""


def shown(value: object) -> str:
    """A value as a config file has it, short enough for one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value[:40]}{"…" if len(value) > 40 else ""}"'
    if isinstance(value, int | float):
        return f"{value}"[:40]
    return "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else "a date or time"
