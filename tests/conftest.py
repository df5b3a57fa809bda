"""What all tests share: Hypothesis profiles, one BLAS thread, and the program as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# As the program does, and before any test imports NumPy: more threads make small products slower.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Times vary with the machine, so no deadline. `--hypothesis-profile=large` (or the variable) digs deeper.
_SLOW = [HealthCheck.too_slow]
# The default draws the same examples every time: what passed here passes there. Searching is for the large one.
settings.register_profile(
    "ci", max_examples=40, deadline=None, suppress_health_check=_SLOW, print_blob=True, derandomize=True
)
settings.register_profile(
    "large", max_examples=2000, deadline=None, suppress_health_check=_SLOW, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests keeps (arrangement of panes, settings) neither counts here nor changes."""
    from rnn_tui import memory  # not at the top: it brings NumPy, which reads the variables above

    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    memory.write(folder / "rnn-tui" / "state.json", memory.Memory(toured=True))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    # Nor their terminal; and the program, run within a test, tells Textual its settings by such variables.
    for name in [name for name in os.environ if name.startswith(("RNN_TUI_", "TEXTUAL_", "SSH_"))]:
        monkeypatch.delenv(name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-goldens` writes what the panes draw now to tests/goldens/; look at the diff before you commit it."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/goldens/ anew")


Result = subprocess.CompletedProcess[str]


def python(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run this Python with `arguments`, away from any terminal; the source tree can be imported."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **(env or {})}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def rnn_tui(tmp_path: Path) -> Callable[..., Result]:
    """`rnn_tui("list", "--json")`: the program as a child, in an empty directory, without a terminal."""

    def run(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
        return python("-m", "rnn_tui", *arguments, cwd=tmp_path, env=env)

    return run
