"""Replays as files: what is no file is refused at once, and saving is all or nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rnn_engine import replay as replays
from rnn_engine.errors import ReplayError
from rnn_engine.replay import (
    Replay,
    dumps,
    load,
    loads,
    save,
)
from tests.replays import EXAMPLES


def test_load_names_the_file(tmp_path: Path) -> None:
    for name, content, message in (("a", b"", "the file is empty"), ("b", b"[]", r"\$: expected a replay")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ReplayError, match=f"^{tmp_path / name}: {message}"):
            load(tmp_path / name)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "secret").write_bytes(b"{}")
    cases = {
        str(tmp_path): "a directory; expected a file",
        str(tmp_path / "fifo"): "a FIFO; expected a file",
        "/dev/zero": "a device; expected a file",
        str(tmp_path / "none"): "no such file",
        str(tmp_path / "secret" / "x"): "not a directory",
        "a\0b": "embedded null",
        str(tmp_path / ("n" * 300)): "file name too long",
    }
    for path, message in cases.items():
        with pytest.raises(ReplayError, match=message):
            load(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(ReplayError, match="larger than 32 MB"):
        load(large)


def test_read_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfh\xc3\xa9")
    (tmp_path / "b").write_bytes(b"\xff")
    assert replays.read_text(tmp_path / "a") == "hé"
    with pytest.raises(ReplayError, match="not UTF-8 text"):
        replays.read_text(tmp_path / "b")


@pytest.fixture
def replay() -> Replay:
    return loads(EXAMPLES[0].encode())


def test_save_and_load(tmp_path: Path, replay: Replay) -> None:
    path = tmp_path / "new.json"
    save(path, replay)
    assert load(path) == replay
    assert path.read_bytes() == dumps(replay)
    assert os.listdir(tmp_path) == ["new.json"]


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path, replay: Replay) -> None:
    before = os.umask(0o027)
    try:
        save(tmp_path / "new.json", replay)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o640


def test_an_old_file_keeps_its_mode(tmp_path: Path, replay: Replay) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(b"old")
    path.chmod(0o604)
    save(path, replay)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert load(path) == replay


def test_a_symbolic_link_is_followed(tmp_path: Path, replay: Replay) -> None:
    target = tmp_path / "folder" / "target.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    save(link, replay)
    assert link.is_symlink()
    assert load(target) == replay
    assert os.listdir(target.parent) == ["target.json"]


def _no_space(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["open", "fdopen", "fsync", "replace"])
@pytest.mark.parametrize("old", [True, False])
def test_a_save_that_fails_changes_nothing(
    tmp_path: Path, replay: Replay, monkeypatch: pytest.MonkeyPatch, call: str, old: bool
) -> None:
    path = tmp_path / "file.json"
    if old:
        path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _no_space)
        with pytest.raises(ReplayError, match=r"file.json: cannot be saved: no space left on device$"):
            save(path, replay)
    assert os.listdir(tmp_path) == (["file.json"] if old else [])
    assert not old or path.read_bytes() == b"old"


def test_an_interrupted_save_changes_nothing(
    tmp_path: Path, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "file.json", replay)
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_saved(tmp_path: Path, replay: Replay) -> None:
    cases = {
        str(tmp_path): "a directory; expected a file",
        str(tmp_path / "none" / "a.json"): "no such file or directory",
        "/dev/full": "a device; expected a file",
        "a\0b": "null",
    }
    for path, message in cases.items():
        with pytest.raises(ReplayError, match=f"cannot be saved: .*{message}"):
            save(path, replay)


def test_a_protected_file_is_not_replaced(
    tmp_path: Path, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # as for whoever is not root
    with pytest.raises(ReplayError, match="write-protected"):
        save(path, replay)
    assert path.read_bytes() == b"old"


def test_what_could_not_be_opened_is_not_written(tmp_path: Path, replay: Replay) -> None:
    bad = msgspec.structs.replace(replay, cursor="nowhere")
    with pytest.raises(ReplayError, match=r"\$.cursor"):
        save(tmp_path / "file.json", bad)
    assert os.listdir(tmp_path) == []
