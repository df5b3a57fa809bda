"""A bad line: an SSH server of our own on loopback, and in front of it a proxy that is slow and far away."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.terminal import ROOT, WAIT

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
MISSING = (
    "" if SSHD and shutil.which("ssh") and shutil.which("ssh-keygen") else
    "needs an SSH server and client: apt-get install openssh-server openssh-client (Debian, Ubuntu), "
    "dnf install openssh-server openssh-clients (Fedora), apk add openssh (Alpine)"
)  # fmt: skip
"""What to install so that these tests run; nothing if all is there."""


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """sshd for this user and one key, on a port of loopback; it reads nothing from outside of `folder`."""
    assert SSHD is not None
    for name in ("host", "user"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it will not start as root without this
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    log = (folder / "sshd.log").open("wb")
    with log, subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log) as running:
        try:
            end = time.monotonic() + WAIT
            while running.poll() is None and time.monotonic() < end:
                with (
                    contextlib.suppress(ConnectionRefusedError),
                    socket.create_connection(("127.0.0.1", port)),
                ):
                    break
            assert running.poll() is None, (folder / "sshd.log").read_text()
            yield port
        finally:
            running.terminate()


class SlowLine:
    """Passes bytes on, each way so many a second and so much later; what does not fit waits, without limit."""

    def __init__(self, to: int, *, bits_a_second: int, round_trip: float) -> None:
        self._to, self._rate, self._delay = to, bits_a_second / 8, round_trip / 2
        self._loop = asyncio.new_event_loop()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow line", daemon=True)

    def __enter__(self) -> SlowLine:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(WAIT)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(WAIT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT)
        self._loop.close()

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._connected, sock=self._listening)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += (writer, there[1])
        for source, drain in ((reader, there[1]), (there[0], writer)):
            waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            for work in (self._take(source, waiting), self._pass_on(waiting, drain)):
                self._tasks.add(self._loop.create_task(work))

    async def _take(self, source: asyncio.StreamReader, waiting: asyncio.Queue[tuple[float, bytes]]) -> None:
        free = 0.0
        data = b"-"
        while data:
            data = await source.read(1400)
            free = max(free, self._loop.time()) + len(data) / self._rate
            waiting.put_nowait((free + self._delay, data))

    async def _pass_on(
        self, waiting: asyncio.Queue[tuple[float, bytes]], drain: asyncio.StreamWriter
    ) -> None:
        data = b"-"
        while data:
            due, data = await waiting.get()
            await asyncio.sleep(due - self._loop.time())
            drain.write(data)
        drain.close()


def command(port: int, folder: Path, arguments: str) -> list[str]:
    """`rnn-tui ARGUMENTS` on the other side, with a terminal."""
    there = f"cd {folder} && XDG_STATE_HOME={folder} PYTHONPATH={ROOT} PYTHONUTF8=1 exec {sys.executable} -m rnn_tui"
    return [
        "ssh", "-tt", "-F", "none", "-p", str(port), "-i", str(folder / "user"), "-o", "IdentitiesOnly=yes",
        "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known", "-o", "LogLevel=ERROR",
        f"{getpass.getuser()}@127.0.0.1", f"{there} {arguments}",
    ]  # fmt: skip
