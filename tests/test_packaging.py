"""What is delivered: the wheel, and that the documents tell the truth about it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from rnn_tui import arguments
from rnn_tui.commands import COMMANDS
from rnn_tui.lessons import lessons
from rnn_tui.share import shared_files
from tests.conftest import ROOT, python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network: the test extra holds the build backend."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_all_that_it_needs(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not re.search(r"\.(dist-info|data)/", name)}
    expected = {
        str(path.relative_to(ROOT))
        for package in ("rnn_engine", "rnn_tui")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    sessions = {f"rnn_tui/sessions/{path.name}" for path in (ROOT / "sessions").glob("*.json")}
    assert sessions
    assert held == expected | sessions
    assert {"rnn_engine/py.typed", "rnn_tui/py.typed", "rnn_engine/cells/lstm.txt"} <= held
    assert any(name.endswith(".tcss") for name in held)


def test_the_wheel_has_the_manual_page_and_the_completions_as_they_are_now(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as held:
        prefix = f"rnn_tui-{PROJECT['version']}.data/data/"
        shared = {
            name.removeprefix(prefix): held.read(name).decode() for name in held.namelist() if prefix in name
        }
    assert shared == shared_files(PROJECT["version"])
    assert {"share/man/man1/rnn-tui.1", "share/zsh/site-functions/_rnn-tui"} < set(shared)
    assert "share/bash-completion/completions/rnn-tui" in shared


def test_the_wheel_works_away_from_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    env = {"PYTHONPATH": str(tmp_path / "site")}
    listed = python("-m", "rnn_tui", "list", "--json", cwd=tmp_path, env=env)
    assert [entry["name"] for entry in json.loads(listed.stdout)] == [lesson.name for lesson in lessons()]
    code = "import rnn_engine, rnn_tui; print(rnn_engine.__file__, rnn_tui.__file__)"
    assert python("-c", code, cwd=tmp_path, env=env).stdout.count(str(tmp_path)) == 2
    (tmp_path / "text").write_text("hello hello", "utf-8")
    new = ["new", "--cell", "gru", "--hidden", "2", "--text", "text", "-o", "mine.json"]
    assert python("-m", "rnn_tui", *new, cwd=tmp_path, env=env).returncode == 0


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    for requirement in PROJECT["dependencies"]:
        place = lines.index(f'"{requirement}",')
        assert lines[place - 1].startswith("#"), requirement
    for requirement in PROJECT["optional-dependencies"]["test"]:
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w', text), requirement


def test_the_changelog_has_this_version() -> None:
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_has_the_two_commands() -> None:
    lines = README.splitlines()
    assert "pip install . && rnn-tui" in lines
    assert "pip install -e '.[test]' && pytest" in lines


def test_the_commands_in_the_readme_parse() -> None:
    commands = re.findall(r"^rnn-tui (.+?)(?:  .*)?$", README, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        arguments.parse(shlex.split(command))


def test_the_commands_that_need_no_file_of_ones_own_run(tmp_path: Path) -> None:
    commands = re.findall(
        r"^(?:  )?rnn-tui ((?:list|trace|check) .+?)(?:  .*)?$", README + arguments.EXAMPLES, re.MULTILINE
    )
    run = [command for command in commands if ".json" not in command]
    assert len(run) >= 4
    for command in run:
        result = python("-m", "rnn_tui", *shlex.split(command), cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout


def test_the_keys_in_the_readme_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (`.*?) \| .* \|$", README, re.MULTILINE)
    named = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
    assert named
    assert named <= {key for entry in COMMANDS for key in entry.shown_keys.split()}


def test_the_session_in_the_readme_learns(tmp_path: Path) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine.json").write_text(text, "utf-8")
    checked = python("-m", "rnn_tui", "check", "mine.json", cwd=tmp_path)
    assert checked.stdout.startswith("ok "), checked
    traced = python("-m", "rnn_tui", "trace", "mine.json", "--names", "loss", "--json", cwd=tmp_path)
    records = [json.loads(line) for line in traced.stdout.splitlines()]
    totals = [r["totals"]["loss"]["sum"] for r in records if r["phase"] == "forward" and "totals" in r]
    assert totals[-1] < 0.1 * totals[0]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_and_paths_in_the_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    paths = re.findall(r"`((?:rnn_engine|rnn_tui|tests|tools|docs|sessions)/[\w./-]*)`", text)
    missing = [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]
    assert missing + [path for path in paths if not (ROOT / path).exists()] == []
