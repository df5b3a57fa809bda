"""What is imported when: a static graph cannot see it, a fresh interpreter can."""

from __future__ import annotations

import pytest

from tests.conftest import python

SCREEN = ("textual", "rich")


def loaded_after(code: str, *candidates: str) -> set[str]:
    """Which of the candidates are imported once `code` has run in a fresh interpreter."""
    probe = f"import sys\n{code}\nprint(*[name for name in {candidates!r} if name in sys.modules], sep='\\n')"
    result = python("-c", probe)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split("\n")) & set(candidates)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import rnn_engine", (*SCREEN, "msgspec", "numpy")),
        ("import rnn_engine.core", (*SCREEN, "msgspec", "rnn_engine.replay")),
        ("import rnn_engine.snapshot", (*SCREEN, "msgspec", "rnn_engine.replay", "rnn_engine.session")),
        ("import rnn_engine.session", SCREEN),
        ("import rnn_tui", (*SCREEN, "msgspec", "numpy")),
        ("import rnn_tui.cli", (*SCREEN, "msgspec", "numpy", "rnn_engine")),
        ("from rnn_tui.lessons import lessons; lessons()", (*SCREEN, "msgspec", "numpy")),
        ("import rnn_tui.text", SCREEN),
        # While a wheel is built nothing is installed but the build backend.
        (
            "from rnn_tui.share import shared_files; shared_files('1')",
            (*SCREEN, "msgspec", "numpy", "platformdirs"),
        ),
        (
            "from rnn_tui.configfile import config_path, load; load(config_path())",
            (*SCREEN, "msgspec", "numpy"),
        ),
        ("import rnn_tui.controller", SCREEN),
        # What is on the screen first needs none of what takes long to load.
        ("import rnn_tui.app", ("numpy", "msgspec", "rnn_engine.session", "rnn_tui.screens.session")),
        (
            "import rnn_tui.app, rnn_tui.choices, rnn_tui.screens.opening, rnn_tui.screens.lessons",
            ("numpy", "argparse", "rnn_engine.snapshot", "rnn_tui.screens.dialogs", "rnn_tui.screens.help"),
        ),
        ("import rnn_tui.headless.trace, rnn_tui.headless.check, rnn_tui.headless.new", SCREEN),
    ],
)
def test_an_import_brings_no_more_than_it_needs(code: str, absent: tuple[str, ...]) -> None:
    assert loaded_after(code, *absent) == set()


@pytest.mark.parametrize(
    "argument", ["--help", "--version", "trace --help", "--frm", "config", "diagnose", "completion zsh"]
)
def test_help_and_refusals_need_neither_screen_nor_numpy(argument: str) -> None:
    code = f"from rnn_tui.cli import main\nmain({argument.split()!r})"
    assert loaded_after(code, *SCREEN, "numpy", "msgspec") == set()


@pytest.mark.parametrize("command", ["list --json", "trace hi-there --json", "check hi-there"])
def test_headless_commands_need_no_screen(command: str) -> None:
    assert loaded_after(f"from rnn_tui.cli import main\nmain({command.split()!r})", *SCREEN) == set()


@pytest.mark.parametrize("arguments", [[], ["hello"]])
def test_opening_something_by_its_name_needs_no_grammar(arguments: list[str]) -> None:
    """argparse and what is built of it cost as much as the core of the engine."""
    code = f"from rnn_tui.cli import main\nmain({arguments!r})"
    assert loaded_after(code, "argparse", "rnn_tui.arguments") == set()


def test_one_blas_thread_unless_the_user_says_otherwise() -> None:
    code = (
        "import os\nfrom rnn_tui.cli import main\nmain(['--version'])\nprint(os.environ['OMP_NUM_THREADS'])"
    )
    assert python("-c", code, env={"OMP_NUM_THREADS": "3"}).stdout.endswith("\n3\n")
    assert python("-c", f"import os\nos.environ.pop('OMP_NUM_THREADS')\n{code}").stdout.endswith("\n1\n")
