"""Write docs/keys.md from the table of commands: `python tools/make_keys.py`."""

from __future__ import annotations

from pathlib import Path

from rnn_tui.commands import keys_markdown


def main() -> None:
    """Write the file beside this repository's documents."""
    target = Path(__file__).resolve().parent.parent / "docs" / "keys.md"
    target.write_text(keys_markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
