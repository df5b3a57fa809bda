"""Files: read within bounds, written whole or not at all. No other module of the engine touches one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rnn_engine.errors import ReplayError
from rnn_engine.replay.text import MAX_BYTES

AnyPath = str | os.PathLike[str]


def read_bytes(path: AnyPath) -> bytes:
    """The bytes of a regular file of at most 32 MB; never waits on a FIFO, never reads a device."""
    file = os.fspath(path)
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb", closefd=True) as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ReplayError(f"{_kind(status.st_mode)}; expected a file", file=file)
            data = stream.read(MAX_BYTES + 1) if status.st_size <= MAX_BYTES else None
    except (OSError, ValueError) as error:
        raise ReplayError(_reason(error), file=file) from None
    if data is None or len(data) > MAX_BYTES:
        raise ReplayError(f"larger than {MAX_BYTES // 2**20} MB", file=file)
    return data


def read_text(path: AnyPath) -> str:
    """The UTF-8 text of a file, bounded as `read_bytes` is; for data that a new session starts from."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReplayError(f"not UTF-8 text (byte {error.start})", file=os.fspath(path)) from None


def write_whole(path: AnyPath, data: bytes | Iterable[bytes]) -> None:
    """Give the file `path` these bytes, in one or many pieces, so that it is, whatever happens, the old or the new one.

    A symbolic link is followed and an existing file's mode kept. ReplayError where that cannot be done.
    """
    file = os.fspath(path)
    try:
        _replace(Path(os.path.realpath(file)), (data,) if isinstance(data, bytes) else data)
    except (OSError, ValueError) as error:
        raise ReplayError(f"cannot be saved: {_reason(error)}", file=file) from None


def replaceable(path: AnyPath) -> bool:
    """Whether `write_whole` would replace a file. ReplayError where what has that name is none, or may not be."""
    file = os.fspath(path)
    try:
        return _mode(Path(os.path.realpath(file))) is not None
    except (OSError, ValueError) as error:
        raise ReplayError(f"cannot be saved: {_reason(error)}", file=file) from None


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    mode = _mode(target)
    temporary = target.parent / f".rnn-tui-{os.urandom(8).hex()}.tmp"  # not secrets: that loads OpenSSL
    # os.open, not tempfile: a new file gets the mode that the umask gives, without asking for the umask
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            if mode is not None:
                temporary.chmod(mode)
            os.fsync(descriptor)
        os.replace(temporary, target)  # noqa: PTH105 - beside os.fsync, the step that makes it one
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _mode(target: Path) -> int | None:
    """The mode to keep; None for a new file. OSError or ValueError where `target` may not be replaced."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ValueError(f"{_kind(mode)}; expected a file")
    if not os.access(target, os.W_OK):
        raise ValueError("the file is write-protected")
    return stat.S_IMODE(mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut. The file is whole either way, so a refusal is no failure."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    if isinstance(error, IsADirectoryError):
        return "a directory; expected a file"
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error) or type(error).__name__).lower().replace("\n", " ")
