"""The cells that `rnn-tui new` copies: every text in rnn_engine/cells, with both heads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnn_engine import replay as replays
from rnn_engine import texts
from rnn_engine.gradcheck import check_gradients
from rnn_engine.session import Session
from rnn_tui.headless.new import build
from rnn_tui.headless.own_data import OwnData, own_table, own_text

NAMES = texts.names("cells")


def own_data(folder: Path, head: str) -> OwnData:
    file = folder / "data"
    file.write_text("to be or not to be" if head == "tokens" else "1,2\n0.5,1\n-1,0\n0,0.25\n", "utf-8")
    return own_text(str(file), "characters") if head == "tokens" else own_table(str(file))


@pytest.mark.parametrize("head", ["tokens", "vectors"])
@pytest.mark.parametrize("cell", NAMES)
def test_gradients_agree_with_finite_differences(cell: str, head: str, tmp_path: Path) -> None:
    replay = build(cell, 3, own_data(tmp_path, head), seed=1)
    found = check_gradients(Session(replay))
    assert found is not None
    assert found.relative < 1e-7
    assert replays.loads(replays.dumps(replay)) == replay


@pytest.mark.parametrize("cell", NAMES)
def test_a_text_reads_like_a_page(cell: str) -> None:
    lines = texts.lines("cells", cell)
    assert re.match(r"# .*\(.*\d{4}\)", lines[0]), "the first line names the cell and its source"
    assert max(map(len, lines)) <= 120
    assert "h" in [line.split(" = ")[0] for line in texts.equations("cells", cell)]
