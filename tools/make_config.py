"""Write docs/config.md from the table of settings: `python tools/make_config.py`."""

from __future__ import annotations

from pathlib import Path

from rnn_tui.configfile import example
from rnn_tui.settings import SETTINGS, Choice

HEAD = """\
# Settings

Made from `rnn_tui/settings.py` by `tools/make_config.py`; edit the table there.

A setting is chosen by, in this order: its flag (of `rnn-tui open`, also where the word `open` is left out), its
environment variable, the config file, what is found out about the terminal. `rnn-tui config` says where the file is,
what holds and who said so; `rnn-tui diagnose` says it with all that it was decided from, for a bug report.

The file is `$XDG_CONFIG_HOME/rnn-tui/config.toml` (`~/.config/rnn-tui/config.toml`), or where your platform keeps
such files. It is never written; `rnn-tui config --example` prints one in which every setting and every key is a
comment. What is wrong in it is refused before the terminal is used, with the file and the setting; `--no-config` goes
without it.

| setting | values | flag | variable | otherwise |
|---|---|---|---|---|
"""

TAIL = """
`NO_COLOR`, set and not empty, means no colour, unless `--theme` or `--colours` asks for some. `--theme ?` lists the
themes. True or false may be written `1 yes on`, `0 no off` in a variable.

## Colours

`dark` and `light` are made of the 256-colour cube, so that 256 colours show what millions do. `terminal` uses the
ground and the sixteen colours of your terminal, whatever you made of them; `plain` has none. Sign and size can be read
in each of them: the minus, the bars and the marks say what the colours say.

## Over SSH

The mouse is off, since a line that drops would leave it reporting in your shell (`reset` helps), and there are 20
frames a second. Both can be set. `ssh -C` makes a slow line several times faster.

## Keys

```toml
[keys]
step = ["right", "space"]
play = "P"
record = "ctrl+r"
```

A command and its key, or a list of keys, instead of those it has; footer, help and palette show them. The names of the
commands are in `rnn-tui config --example`. A key is a character, as it is typed (`n`, `N`, `?`), or one of `left right
up down home end pageup pagedown insert delete space tab enter escape backspace f1` … `f12`, also with `ctrl+`, `shift+`
or `alt+` before it. Two commands that hold at the same time cannot share a key; one that holds in a panel goes before
one that holds everywhere. Digits, Ctrl-C and Ctrl-Q stay what they are, and Esc leaves every dialog.

## An example

"""


def page() -> str:
    """The page."""
    rows = []
    for setting in SETTINGS:
        kind = setting.kind
        values = (
            " ".join(f"`{word}`" for word in kind.words) if isinstance(kind, Choice) else kind.expectation
        )
        flags = " ".join(f"`{flag}`" for flag in setting.flags)
        cells = (
            f"`{setting.name}`: {setting.about}",
            values,
            flags,
            f"`{setting.variable}`",
            setting.otherwise,
        )
        rows.append(f"| {' | '.join(cells)} |\n")
    return f"{HEAD}{''.join(rows)}{TAIL}```toml\n{example(commands=False)}```\n"


def main() -> None:
    """Write the file beside this repository's documents."""
    target = Path(__file__).resolve().parent.parent / "docs" / "config.md"
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
