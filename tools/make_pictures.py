"""Make the pictures of the README with the program itself: `python tools/make_pictures.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from rnn_tui import cli

PICTURES = {
    "backward.svg": ("hi-there-class-bptt", "--at", "1:backward:2:h"),
    "flow.svg": ("vanishing", "--at", "1:backward:20:h", "--panel", "flow", "--pane", "panel"),
}
"""A file, and what `rnn-tui export` makes it from."""


def main(folder: Path) -> int:
    """Write them; the exit code of the first that fails."""
    for name, arguments in PICTURES.items():
        code = cli.main(["export", *arguments, "--force", "-o", str(folder / name)])
        if code:
            return code
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs"))
