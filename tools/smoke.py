"""Start an installed rnn-tui in a pseudo-terminal, see that it draws the list of lessons, and leave with `q`.

    python tools/smoke.py --lessons LISTED.json --sessions DIR COMMAND

LISTED.json is what `COMMAND list --json` printed; DIR holds the lessons that have to be in it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

COLUMNS, ROWS, SECONDS = 100, 30, 30.0


def main() -> int:
    """Return 0 if all lessons are listed, the list is drawn, and the program leaves cleanly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lessons", type=Path, required=True)
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("command")
    args = parser.parse_args()

    listed = {entry["name"] for entry in json.loads(args.lessons.read_text("utf-8"))}
    missing = {path.stem for path in args.sessions.glob("*.json")} - listed
    if missing or not listed:
        print(f"smoke: not listed: {', '.join(sorted(missing)) or 'any lesson'}", file=sys.stderr)
        return 1
    return drive(args.command, "hi-there-class-bptt")


def drive(command: str, expected: str) -> int:
    """Run `command` until it shows `expected`, press q, and return whether that went well."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execve(command, [command], {**os.environ, "TERM": "xterm-256color"})

    def shown() -> bool:
        return any(expected in line for line in screen.display)

    if not read_until(terminal, stream, shown):
        print(
            "smoke: the list of lessons was not drawn; the screen was:",
            *screen.display,
            sep="\n",
            file=sys.stderr,
        )
        os.kill(pid, signal.SIGKILL)
        return 1
    print("\n".join(line.rstrip() for line in screen.display))
    os.write(terminal, b"q")
    if not read_until(terminal, stream, lambda: False, to_the_end=True):
        print("smoke: q did not leave", file=sys.stderr)
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(f"smoke: drew {expected}, left with {code}")
    return code


def read_until(
    terminal: int, stream: pyte.ByteStream, done: Callable[[], bool], *, to_the_end: bool = False
) -> bool:
    """Feed the screen until `done`, the end of the output, or the time is up; whether it was as asked."""
    end = time.monotonic() + SECONDS
    while not done():
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says EIO where the other side has closed
            data = b""
        if not data:
            return to_the_end
        stream.feed(data)
    return True


if __name__ == "__main__":
    sys.exit(main())
