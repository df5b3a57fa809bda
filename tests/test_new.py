"""`rnn-tui new` from JSON, and how its weights begin; the rest of it is in test_cli.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_engine.gradcheck import check_gradients
from rnn_engine.session import Session
from rnn_tui import cli

BATCH = [[[1, 2], [0, 1]], [[2, 1], [1, 0]], [[0.5, 1], [1, 2]]]


class Folder:
    """A folder with one file of data, and the program run on it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.file, self.capsys = path / "data", path / "mine.json", capsys
        self.data.write_text("abcabd", "utf-8")

    def new(self, *arguments: str, kind: str = "--text", cell: str = "rnn") -> int:
        base = ["new", "--cell", cell, "--hidden", "3", kind, str(self.data), "-o", str(self.file)]
        return cli.main([*base, *arguments])

    def made(self, *arguments: str, kind: str = "--text", cell: str = "rnn") -> Session:
        assert self.new(*arguments, kind=kind, cell=cell) == 0, self.capsys.readouterr().err
        found = Session.load(self.file)
        check = check_gradients(found)
        assert check is not None and check.agrees
        return found

    def refused(self, *arguments: str, kind: str = "--text", cell: str = "rnn") -> str:
        assert self.new(*arguments, kind=kind, cell=cell) == 2
        captured = self.capsys.readouterr()
        assert not captured.out and captured.err.count("\n") == 1 and not self.file.exists()
        return captured.err


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path, capsys)


# ---------------------------------------------------------------- data as JSON


@pytest.mark.parametrize(
    ("data", "x", "y", "T", "batches"),
    [
        ([1, 2, 3.5, 2], (1,), (1,), 3, 1),
        ([[1, 2], [3, 4], [0, 1]], (2,), (2,), 2, 1),
        (["hi", "there", "hi", "you"], (3,), (3,), 3, 1),
        (BATCH, (2,), (2,), 2, 1),
        ({"inputs": [1, 2, 3], "targets": [[1, 0], None, [0, 1]]}, (1,), (2,), 3, 1),
        ({"inputs": [[1, 0, 0], [0, 1, 0]], "targets": ["up", "down"]}, (3,), (2,), 2, 1),
        ({"inputs": ["a", "b"], "targets": [0.5, None]}, (2,), (1,), 2, 1),
        ({"text": "to be or not to be", "level": "words"}, (4,), (4,), 5, 1),
        (
            {"sequences": [{"inputs": [1, 2], "targets": [2, 3]}, {"inputs": [1], "targets": [2]}]},
            *((1,), (1,), 2, 2),
        ),
        (
            {"sequences": [{"inputs": ["a"], "targets": ["b"]}, {"inputs": ["b", "a"], "targets": ["a", "b"]}],
             "batch": 2},
            *((2,), (2,), 2, 1),
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cell", ["rnn", "lstm-concat", "output-feedback"])
def test_data_as_json(
    folder: Folder, data: Any, x: tuple[int], y: tuple[int], T: int, batches: int, cell: str
) -> None:
    folder.data.write_text(json.dumps(data), "utf-8")
    made = folder.made(kind="--json", cell=cell)
    assert (made.dataset.x_shape, made.dataset.y_shape) == (x, y)
    assert (max(batch.T for batch in made.dataset.batches), len(made.dataset.batches)) == (T, batches)
    tokens = made.dataset.one_hot_x and made.dataset.one_hot_y
    assert (made.run.generator is not None) == tokens


def test_a_series_predicts_its_next_item(folder: Folder) -> None:
    folder.data.write_text("[1, 2, 4, 8]", "utf-8")
    [batch] = folder.made(kind="--json").dataset.batches
    assert batch.x is not None and batch.y is not None
    assert (batch.x.values.ravel().tolist(), batch.y.values.ravel().tolist()) == ([1, 2, 4], [2, 4, 8])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", ["empty", "expected a list, or an object with inputs and targets"]),
        ("3", ["$: expected a list, or an object"]),
        ("[]", ["$: a list of 0"]),
        ("[1]", ["$: one item; expected two or more"]),
        ("[1,", ["ends too early"]),
        ("[1 2]", ["line 1, column 4"]),
        ('[1, 2, "x"]', ["$[2]: a token among numbers"]),
        ("[[1], [2, 3]]", ["$[1]: a list of 2; expected 1"]),
        ("[1, null, 2]", ["$[1]: ", "got null"]),
        ("[1, NaN]", ["$[1]: the literal NaN"]),
        ("[true, false]", ["$[0]: ", "true or false"]),
        ("[1, 1e999]", ["$[1]: a number beyond float64"]),
        ('{"steps": 4}', ["$: a cell needs inputs and targets"]),
        ('{"inputs": [1, 2]}', ["$: a cell needs inputs and targets"]),
        ('{"inptus": [1, 2]}', ['unknown member "inptus"; did you mean "inputs"?']),
        ('{"inputs": [1, 2], "targets": [1]}', ["$.targets: 1 targets for 2 inputs"]),
        (
            '{"vocabulary": ["a"], "inputs": ["a", "b"], "targets": ["a", "a"]}',
            ['$.inputs[1]: "b" is not in'],
        ),
    ],
)
def test_json_that_cannot_be_used(folder: Folder, data: str, words: list[str]) -> None:
    folder.data.write_text(data, "utf-8")
    said = folder.refused(kind="--json")
    assert all(word in said for word in [str(folder.data), *words]), said


# ---------------------------------------------------------------- the first weights


def weights(made: Session) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    return {name: np.asarray(value) for name, value in made.run.parameters.items()}


def test_the_usual_first_weights(folder: Folder) -> None:
    found = weights(folder.made(cell="lstm"))
    for gate in "ifog":
        assert np.abs(found[f"W_h{gate}"].T @ found[f"W_h{gate}"] - np.eye(3)).max() < 1e-12
        assert not found[f"b_{gate}"].any()


def test_rectified_units_start_as_the_identity(folder: Folder) -> None:
    assert np.array_equal(weights(folder.made(cell="rnn-relu"))["W_hh"], np.eye(3))


def test_first_weights_as_told(folder: Folder) -> None:
    assert np.array_equal(weights(folder.made("--init", "identity"))["W_hh"], np.eye(3))
    a, b = (weights(folder.made("--init", how, "--force"))["W_hh"] for how in ("normal", "xavier"))
    assert np.array_equal(a, a.round(6)) and np.array_equal(b, b.round(6)) and not np.array_equal(a, b)


def test_zeros(folder: Folder) -> None:
    assert folder.new("--init", "zeros") == 0
    assert not any(w.any() for w in weights(Session.load(folder.file)).values())


@pytest.mark.parametrize("cell", ["lstm", "lstm-concat", "lstm-peephole"])
def test_forget_bias(folder: Folder, cell: str) -> None:
    found = weights(folder.made("--forget-bias", "1", cell=cell))
    assert found.pop("b_f").tolist() == [1.0] * 3
    assert not any(value.any() for value in found.values() if value.ndim == 1)


def test_float32(folder: Folder) -> None:
    made = folder.made("--dtype", "float32", cell="gru")
    assert made.run.dtype == "float32"
    assert cli.main(["check", str(folder.file)]) == 0
    assert "valid; float32; W_xu 3×4" in folder.capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "cell", "words"),
    [
        (["--init", "he"], "rnn", "invalid choice: 'he'"),
        (["--init", "orthogonal"], "output-feedback", "--cell output-feedback: orthogonal is for a square"),
        (["--init", "identity"], "output-feedback", "expected normal, xavier or zeros"),
        (["--forget-bias", "1"], "gru", "gru has no forget gate; expected lstm, lstm-concat, lstm-peephole"),
        (["--forget-bias", "nan"], "lstm", "--forget-bias nan: expected a finite number"),
        (["--forget-bias", "much"], "lstm", "invalid float value"),
        (["--forget-bias", "1e39", "--dtype", "float32"], "lstm", "b_f[0]: 1e+39 is beyond float32"),
        (["--dtype", "float16"], "rnn", "invalid choice: 'float16'"),
    ],
)
def test_refused(folder: Folder, arguments: list[str], cell: str, words: str) -> None:
    assert words in folder.refused(*arguments, cell=cell)
