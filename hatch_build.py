"""Makes the manual page and the completion scripts while a wheel is built, from the parser itself.

They go where `man` and the shells look: `share/…` below the prefix. Making them needs the standard library alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShareHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own hooks say no more
    """Adds the files to the wheel's shared data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files outside the source tree, and say where they go."""
        sys.path.insert(0, self.root)
        try:
            from rnn_tui.share import shared_files

            files = shared_files(self.metadata.version)
        finally:
            sys.path.remove(self.root)
        self._folder = tempfile.TemporaryDirectory()
        for place, text in files.items():
            path = Path(self._folder.name, Path(place).name)
            path.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """They are in the wheel now."""
        self._folder.cleanup()
