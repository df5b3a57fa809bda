"""Data: from the lists and texts of a replay to arrays, and from CSV and text files to such data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.data import MAX_NUMBERS, Dataset, csv_data, dataset, prompt_tokens, text_data
from rnn_engine.errors import DataError, EngineError, ReplayError
from rnn_engine.replay import Data, Generation, SequencePair


def only(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The arrays of the one batch there is."""
    (batch,) = data.batches
    assert batch.x is not None
    assert batch.y is not None
    return batch.x.values, batch.y.values


def test_tokens_are_one_hot() -> None:
    data = dataset(Data(vocabulary=("hi", "there", "!"), inputs=("hi", "!"), targets=("!", "there")))
    x, y = only(data)
    assert x.tolist() == [[[1, 0, 0]], [[0, 0, 1]]]
    assert y.tolist() == [[[0, 0, 1]], [[0, 1, 0]]]
    assert data.x_shape == data.y_shape == (3,)
    assert data.one_hot_x
    assert data.one_hot_y
    (batch,) = data.batches
    assert (batch.T, batch.B) == (2, 1)
    assert batch.x is not None
    assert batch.x.classes is not None
    assert batch.x.classes.tolist() == [[0], [2]]
    assert batch.x.missing is None


def test_without_a_vocabulary_tokens_are_sorted_by_code_point() -> None:
    data = Data(inputs=("b", "a", "B"), targets=("é", "b", "a"))
    assert dataset(data).vocabulary == ("B", "a", "b", "é")


def test_a_text_predicts_its_next_token() -> None:
    data = dataset(text_data("hello"))
    assert data.vocabulary == ("e", "h", "l", "o")
    x, y = only(data)
    assert x.argmax(-1).T.tolist() == [[1, 0, 2, 2]]
    assert y.argmax(-1).T.tolist() == [[0, 2, 2, 3]]


def test_a_text_of_words_with_a_vocabulary() -> None:
    data = dataset(Data(vocabulary=("rose", "is", "a"), text="a rose\n is  a", level="words"))
    x, y = only(data)
    assert x.argmax(-1).T.tolist() == [[2, 0, 1]]
    assert y.argmax(-1).T.tolist() == [[0, 1, 2]]


def test_numbers_and_classes() -> None:
    data = dataset(Data(inputs=(0.5, 1, -2), targets=(2, None, 0)))
    x, y = only(data)
    assert x.shape == y.shape == (3, 1, 1)
    assert data.x_shape == data.y_shape == ()
    (batch,) = data.batches
    assert batch.y is not None
    assert batch.y.classes is not None
    assert batch.y.missing is not None
    assert batch.y.classes.tolist() == [[2], [0], [0]]
    assert batch.y.missing.tolist() == [[False], [True], [False]]


@pytest.mark.parametrize("targets", [(0.5, 1), (-1, 1), (2.0**40, 1)])
def test_what_is_no_class(targets: tuple[float, ...]) -> None:
    (batch,) = dataset(Data(inputs=(1, 2), targets=targets)).batches
    assert batch.y is not None
    assert batch.y.classes is None


def test_vectors() -> None:
    data = dataset(Data(inputs=((1, 2), (3, 4)), targets=((5,), None)))
    x, y = only(data)
    assert x.tolist() == [[[1, 2]], [[3, 4]]]
    assert y.tolist() == [[[5]], [[0]]]
    assert (data.x_shape, data.y_shape) == ((2,), (1,))


def test_a_batch_of_vectors() -> None:
    inputs = (((1, 2), (3, 4), (5, 6)), ((7, 8), (9, 10), (11, 12)))
    data = dataset(Data(inputs=inputs, targets=((1, None, 2), None)))
    x, y = only(data)
    assert x.tolist() == [[list(row) for row in step] for step in inputs]
    assert y[..., 0].tolist() == [[1, 0, 2], [0, 0, 0]]
    (batch,) = data.batches
    assert (batch.T, batch.B) == (2, 3)
    assert batch.y is not None
    assert batch.y.missing is not None
    assert batch.y.missing.tolist() == [[False, True, False], [True, True, True]]


def test_a_batch_of_vectors_with_vectors_and_tokens_as_targets() -> None:
    inputs = (((1.0,), (2.0,)), ((3.0,), (4.0,)))
    vectors = dataset(Data(inputs=inputs, targets=(((1, 2), None), ((3, 4), (5, 6)))))
    assert only(vectors)[1].tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
    tokens = dataset(Data(inputs=inputs, targets=(("a", "b"), ("b", None))))
    assert only(tokens)[1].tolist() == [[[1, 0], [0, 1]], [[0, 1], [0, 0]]]
    assert not tokens.one_hot_x
    assert tokens.one_hot_y


def test_sequences_are_grouped() -> None:
    pairs = [SequencePair(inputs=(1, 2)), SequencePair(inputs=(3, 4)), SequencePair(inputs=(5, 6, 7))]
    data = dataset(Data(sequences=tuple(pairs), batch=2))
    assert [(b.T, b.B) for b in data.batches] == [(2, 2), (3, 1)]
    first = data.batches[0].x
    assert first is not None
    assert first.values[..., 0].tolist() == [[1, 3], [2, 4]]
    assert [(b.T, b.B) for b in dataset(Data(sequences=tuple(pairs))).batches] == [(2, 1), (2, 1), (3, 1)]


def test_a_sequence_without_any_target_takes_the_shape_of_the_others() -> None:
    pairs = (
        SequencePair(inputs=(1, 2), targets=(None, None)),
        SequencePair(inputs=(1, 2), targets=("a", "b")),
    )
    data = dataset(Data(sequences=pairs))
    assert data.y_shape == (2,)
    assert data.batches[0].y is not None
    assert data.batches[0].y.values.tolist() == [[[0, 0]], [[0, 0]]]


def test_sequences_of_other_lengths_in_a_batch_are_filled_up() -> None:
    pairs = (
        SequencePair(inputs=("a", "b", "a"), targets=(1, 2, 3)),
        SequencePair(inputs=("b",), targets=(4,)),
        SequencePair(inputs=("a",), targets=(5,)),
    )
    first, second = dataset(Data(sequences=pairs, batch=2)).batches
    assert (first.T, first.B, first.lengths, second.lengths) == (3, 2, (3, 1), None)
    padding = first.padding(1, 3)
    assert padding is not None
    assert padding.tolist() == [[False, True], [False, True]]
    assert second.padding(0, 1) is None
    assert first.x is not None
    assert first.y is not None
    assert first.x.values[1:, 1].tolist() == [[0, 0], [0, 0]]
    assert first.y.missing is not None
    assert first.y.missing.tolist() == [[False, False], [False, True], [False, True]]


def test_steps_alone() -> None:
    data = dataset(Data(steps=7))
    (batch,) = data.batches
    assert (batch.T, batch.B, batch.x, batch.y) == (7, 1, None, None)
    assert (data.x_shape, data.y_shape, data.vocabulary) == (None, None, None)


def test_targets_alone() -> None:
    (batch,) = dataset(Data(targets=(1.0, 2.0))).batches
    assert batch.x is None
    assert batch.y is not None


def test_arrays_cannot_be_written() -> None:
    x, y = only(dataset(text_data("hello")))
    for array in (x, y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_what_would_be_too_large_is_refused_before_it_is_made() -> None:
    words = " ".join(f"w{number % 4096}" for number in range(5000))
    with pytest.raises(DataError, match=rf"\$.data: 40,951,808 numbers, .* at most {MAX_NUMBERS:,}"):
        dataset(text_data(words, "words"))


def test_not_finite_is_refused() -> None:
    with pytest.raises(ReplayError, match=r"\$.data.inputs\[1\]: expected a finite number"):
        dataset(Data(inputs=(1.0, float("inf"))))


def test_prompts() -> None:
    text, words = Data(text="a rose is"), Data(inputs=("a", "rose"))
    vocabulary = ("a", "e", "rose", " ")
    assert prompt_tokens(Generation(prompt="a ea", length=1), text, vocabulary) == (0, 3, 1, 0)
    assert prompt_tokens(Generation(prompt="a rose", length=1), words, vocabulary) == (0, 2)
    assert prompt_tokens(Generation(prompt=("rose", " "), length=1), words, vocabulary) == (2, 3)
    with pytest.raises(DataError, match=r"\$.generation.prompt: token 2, '\\x1b', is not in the vocabulary"):
        prompt_tokens(Generation(prompt="a\x1b", length=1), text, vocabulary)
    with pytest.raises(DataError, match="no tokens"):
        prompt_tokens(Generation(prompt="a", length=1), Data(inputs=(1,)), None)


@pytest.mark.parametrize("text", ["1,2\n3,4\n5,6\n", "a,b\n1,2\n3,4\n5,6", "\n1, 2\r\n3,4e0\r\n\r\n5,6\r\n"])
def test_csv(text: str) -> None:
    data = csv_data(text)
    assert data.inputs == ((1, 2), (3, 4))
    assert data.targets == ((3, 4), (5, 6))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.csv: 0 lines of numbers; expected two or more"),
        ("a,b\n1,2\n", "f.csv: 1 lines of numbers; expected two or more"),
        ("a,b\n1,2\n3\n", "f.csv: line 3: 1 columns; expected 2"),
        ("1,2\n3,4,5\n", "f.csv: line 2: 3 columns; expected 2"),
        ("1,2\n3,x\n", "f.csv: line 2, column 2: 'x'; expected a finite number"),
        ("1,x\n3,4\n", "f.csv: line 1, column 2: 'x'; expected a finite number"),
        ("1,2\n3,\n", "f.csv: line 2, column 2: ''; expected a finite number"),
        ("1,2\n3,nan\n", "f.csv: line 2, column 2: 'nan'; expected a finite number"),
        ("1,2\n3,1e999\n", "f.csv: line 2, column 2: '1e999'; expected a finite number"),
        ("1,2\n3,1_0\n", "f.csv: line 2, column 2: '1_0'; expected a finite number"),
        ("1,2\n3,\x1b[2J\n", "f.csv: line 2, column 2: '\\x1b[2J'; expected a finite number"),
        ('1,2\n"3,4\n', "f.csv: line 2: unexpected end of data"),
        (
            ",".join(["1"] * 4097) + "\n" + ",".join(["2"] * 4097),
            "f.csv: a list of 4,097; expected 1 to 4,096",
        ),
    ],
)
def test_csv_refusals(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        csv_data(text, "f.csv")
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("text", "level"), [("", "characters"), ("a", "characters"), ("word \n", "words")])
def test_a_text_too_short(text: str, level: str) -> None:
    with pytest.raises(DataError, match=rf"f.txt: [01] {level}; expected two or more"):
        text_data(text, "words" if level == "words" else "characters", "f.txt")


item = st.one_of(st.integers(-3, 3), st.floats(), st.sampled_from(["a", "b"]), st.none())
nested = st.recursive(item, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=12)
series = st.lists(nested, max_size=4).map(tuple)


@given(series, st.one_of(st.none(), series))
def test_any_lists_become_arrays_or_are_refused(
    inputs: tuple[object, ...], targets: tuple[object, ...]
) -> None:
    try:
        data = dataset(Data(inputs=inputs, targets=targets))  # type: ignore[arg-type] # what no file can hold
    except EngineError as error:
        assert str(error).startswith("$.data")
        return
    for batch in data.batches:
        assert batch.x is not None
        for signal in (batch.x, batch.y):
            assert signal is None or signal.values.shape[:2] == (batch.T, batch.B) == (len(inputs), batch.B)
            assert signal is None or np.isfinite(signal.values).all()
