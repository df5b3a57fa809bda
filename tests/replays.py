"""What the tests of replays share: the documentation's examples, and a refusal in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rnn_engine.errors import ReplayError
from rnn_engine.replay import loads

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "replay-format.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
LESSONS = sorted((ROOT / "sessions").glob("*.json"))


def example() -> dict[str, Any]:
    """A fresh copy of the documentation's first example."""
    document: dict[str, Any] = json.loads(EXAMPLES[0])
    return document


def refused(data: bytes | str | dict[str, Any]) -> ReplayError:
    """The one-line refusal of `data`."""
    if isinstance(data, dict):
        data = json.dumps(data)
    with pytest.raises(ReplayError) as caught:
        loads(data if isinstance(data, bytes) else data.encode(), "some.json")
    message = str(caught.value)
    assert message.startswith("some.json: ")
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 300
    return caught.value
