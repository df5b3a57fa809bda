"""What must hold between the members of a replay, beyond their types. Every refusal is a ReplayError.

Shapes here are those that the file itself shows (rectangular, bounded); whether they fit the equations
is for the session to say.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from rnn_engine.errors import ReplayError
from rnn_engine.replay.text import member, quote

if TYPE_CHECKING:
    from rnn_engine.replay.schema import Data, Edit, Inputs, Optimizer, Replay, Targets, Training, Value

MAX_DIMENSION: Final = 4096
MAX_ELEMENTS: Final = 4_000_000
MAX_T: Final = 100_000
MAX_TEXT: Final = 1_000_000
MAX_ITERATIONS: Final = 10_000_000
MAX_EPOCHS: Final = 10_000_000
MAX_TIME_STEPS: Final = 10_000_000
"""Time steps of a whole run: iterations times window, or epochs times data."""
MAX_MARKS: Final = 10_000

EDITABLE: Final = ("address", "parameter", "input", "target", "initial")
"""The members of an edit that say which number is set; each has exactly one of them."""

OPTIMIZERS: Final = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")

_NAME = r"[^\W\d]\w*"
_STATE = rf"{_NAME}(\[(0|-[1-9]\d{{0,4}})\])?"
_COUNT = r"[1-9]\d{0,8}"
_ADDRESS = re.compile(
    rf"{_COUNT}:(?:(?:forward|backward|evaluate|generate):{_COUNT}|update:{_STATE}):{_NAME}"
)


def nearest(word: str, options: Iterable[str]) -> str:
    """A hint that names the option most like `word`, or nothing."""
    found = difflib.get_close_matches(word[:100], list(options), 1)
    return f"; did you mean {quote(found[0])}?" if found else ""


def split(text: str, level: str | None) -> tuple[str, ...]:
    """The tokens of a text: its characters, or its words (whatever stands between white space)."""
    return tuple(text.split()) if level == "words" else tuple(text)


class SeriesShape(NamedTuple):
    """What one list of inputs or targets is: T steps of tokens or of numbers."""

    T: int
    tokens: bool | None
    """None: nothing but null."""
    shape: tuple[int, ...]
    """Per step: () or (n,); in a batch (B,) or (B, n)."""


Kind = tuple[SeriesShape | None, SeriesShape | None]
"""Inputs and targets of one sequence."""
Item = float | str | None | tuple["Item", ...]
"""One step of a series, as the file nests it."""


def check(replay: Replay) -> None:
    """All that spans members: names, shapes, addresses, the size of the run."""
    _check_values(replay)
    check_data(replay.data)
    if replay.training is not None:
        _check_training(replay.training)
    _check_length(replay.training, replay.data)
    generation = replay.generation
    if generation is not None:
        _finite(generation.temperature, "$.generation.temperature")
        if isinstance(generation.prompt, str) and not split(generation.prompt, prompt_level(replay.data)):
            raise ReplayError("no token in it; expected at least one", "$.generation.prompt")
    for index, mark in enumerate(replay.marks):
        _check_address(mark.address, f"$.marks[{index}].address")
    for index, edit in enumerate(replay.edits):
        check_edit(edit, f"$.edits[{index}]")
    if replay.cursor is not None:
        _check_address(replay.cursor, "$.cursor")


def prompt_level(data: Data) -> str:
    """How a prompt given as one string is split: into characters only where the data is."""
    return data.level or "characters" if data.text is not None else "words"


def _check_values(replay: Replay) -> None:
    elements = 0
    for name, value in replay.parameters.items():
        path = member("$.parameters", name)
        if not (name.isidentifier() and len(name) <= 100):
            raise ReplayError("expected a name of letters, digits and _", path)
        elements += math.prod(_value_shape(value, path))
    if elements > MAX_ELEMENTS:
        raise ReplayError(f"{elements:,} numbers; expected at most {MAX_ELEMENTS:,}", "$.parameters")
    for name, value in replay.initial.items():
        path = member("$.initial", name)
        if not re.fullmatch(_STATE, name) or len(name) > 100:
            raise ReplayError('expected a state, such as "h" or "h[-1]"', path)
        _value_shape(value, path)


def _value_shape(value: Value, path: str) -> tuple[int, ...]:
    if not isinstance(value, tuple):
        return ()
    _check_size(len(value), MAX_DIMENSION, path)
    rows = [item for item in value if isinstance(item, tuple)]
    if not rows:
        return (len(value),)
    for index, item in enumerate(value):
        if not isinstance(item, tuple):
            raise ReplayError("a number among rows; expected a row", f"{path}[{index}]")
        _check_size(len(item), MAX_DIMENSION, f"{path}[{index}]")
        if len(item) != len(rows[0]):
            raise ReplayError(
                f"a row of {len(item)}; expected {len(rows[0])}, as in the first row", f"{path}[{index}]"
            )
    return (len(value), len(rows[0]))


def _check_size(size: int, limit: int, path: str) -> None:
    if not 1 <= size <= limit:
        raise ReplayError(f"a list of {size:,}; expected 1 to {limit:,} items", path)


def check_data(data: Data) -> None:
    """The data has one form, its lists are rectangular and of one kind, its tokens are in the vocabulary."""
    forms = {
        "inputs": data.inputs is not None or data.targets is not None,
        "sequences": data.sequences is not None,
        "text": data.text is not None,
        "steps": data.steps is not None,
    }
    found = [form for form, given in forms.items() if given]
    if len(found) != 1:
        what = "nothing" if not found else " and ".join(found)
        raise ReplayError(f"has {what}; expected one of inputs/targets, sequences, text, steps", "$.data")
    for name, value, form in (("batch", data.batch, "sequences"), ("level", data.level, "text")):
        if value is not None and form not in found:
            raise ReplayError(f"goes with {form}, which is not there", f"$.data.{name}")
    vocabulary = None if data.vocabulary is None else _vocabulary(data.vocabulary)
    if data.text is not None:
        tokens = split(data.text, data.level)
        unit = data.level or "characters"
        if not 2 <= len(tokens) <= MAX_T + 1:
            raise ReplayError(f"{len(tokens):,} {unit}; expected 2 to {MAX_T + 1:,}", "$.data.text")
        for index, token in enumerate(tokens if vocabulary is not None else ()):
            _check_token(token, vocabulary, f"$.data.text (number {index + 1} of its {unit})")
    elif data.sequences is not None:
        kinds = [
            _check_pair(pair.inputs, pair.targets, vocabulary, f"$.data.sequences[{index}]")
            for index, pair in enumerate(data.sequences)
        ]
        _check_sequences(kinds)
    elif data.steps is None:
        _check_pair(data.inputs, data.targets, vocabulary, "$.data")


def _vocabulary(tokens: tuple[str, ...]) -> frozenset[str]:
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token in seen:
            raise ReplayError(
                f"{quote(token)} is already number {seen[token] + 1}; expected each token once",
                f"$.data.vocabulary[{index}]",
            )
        seen[token] = index
    return frozenset(seen)


def _check_token(token: str, vocabulary: frozenset[str] | None, path: str) -> None:
    if not 1 <= len(token) <= 200:
        raise ReplayError(f"a token of {len(token):,} characters; expected 1 to 200", path)
    if vocabulary is not None and token not in vocabulary:
        raise ReplayError(f"{quote(token)} is not in the vocabulary{nearest(token, vocabulary)}", path)


def _check_pair(
    inputs: Inputs | None, targets: Targets | None, vocabulary: frozenset[str] | None, path: str
) -> Kind:
    x = None if inputs is None else _series_shape(inputs, f"{path}.inputs", vocabulary, nulls=0)
    batch = x is not None and len(x.shape) == 2
    y = None if targets is None else _series_shape(targets, f"{path}.targets", vocabulary, nulls=1 + batch)
    if x is None and y is None:
        raise ReplayError("has neither inputs nor targets", path)
    if x is not None and y is not None:
        if x.T != y.T:
            raise ReplayError(f"{y.T:,} targets for {x.T:,} inputs; expected one each", f"{path}.targets")
        if batch and y.tokens is not None and y.shape[:1] != x.shape[:1]:
            found = f"{y.shape[0]} a step" if y.shape else "one a step"
            raise ReplayError(f"{found}; expected one for each of {x.shape[0]} sequences", f"{path}.targets")
    if y is not None and len(y.shape) == 2 and not batch:
        raise ReplayError("three deep, while the inputs are no batch", f"{path}.targets")
    return x, y


def _series_shape(
    series: Inputs | Targets, path: str, vocabulary: frozenset[str] | None, nulls: int
) -> SeriesShape:
    """What `series` is; ragged, mixed and over-long lists and unknown tokens are refused by their place.

    `nulls` is the depth down to which null (no target) and tokens may stand: 1 = per step, 2 = per sequence.
    """
    _check_size(len(series), MAX_T, path)
    shape = next((found for item in series if (found := _item_shape(item)) is not None), ())
    for size in shape:
        _check_size(size, MAX_DIMENSION, f"{path}[0]")
    tokens: bool | None = None
    for t, item in enumerate(series):
        for leaf, at in _leaves(item, shape, (t,), path, nulls):
            token = isinstance(leaf, str)
            if tokens is None:
                tokens = token
            if token is not tokens:
                among = "a token among numbers" if token else "a number among tokens"
                raise ReplayError(f"{among}; expected one kind", path + _indices(at))
            if isinstance(leaf, str):
                if len(at) > max(nulls, 1):
                    raise ReplayError("a token inside a vector; expected a number", path + _indices(at))
                _check_token(leaf, vocabulary, path + _indices(at))
            elif not math.isfinite(leaf):
                raise ReplayError("expected a finite number", path + _indices(at))
    return SeriesShape(len(series), tokens, shape)


def _indices(at: tuple[int, ...]) -> str:
    return "".join(f"[{index}]" for index in at)


def _item_shape(item: Item) -> tuple[int, ...] | None:
    """The shape of one step, None where nothing but null tells."""
    if not isinstance(item, tuple):
        return None if item is None else ()
    row = next((inner for inner in item if inner is not None), None)
    if row is None:
        return None if item else (0,)
    return (len(item), len(row)) if isinstance(row, tuple) else (len(item),)


def _leaves(
    item: Item, shape: tuple[int, ...], at: tuple[int, ...], path: str, nulls: int
) -> Iterator[tuple[float | str, tuple[int, ...]]]:
    """The numbers or tokens of one step with their indices, while it has `shape`."""
    if item is None:
        if len(at) > nulls:
            raise ReplayError("null; expected a number", path + _indices(at))
    elif isinstance(item, tuple):
        if not shape:
            raise ReplayError("a list; expected a single value, as in the first step", path + _indices(at))
        if len(item) != shape[0]:
            raise ReplayError(
                f"a list of {len(item):,}; expected {shape[0]:,} items, as in the first step",
                path + _indices(at),
            )
        for index, inner in enumerate(item):
            yield from _leaves(inner, shape[1:], (*at, index), path, nulls)
    elif shape:
        raise ReplayError(
            f"a single value; expected a list of {shape[0]:,}, as in the first step", path + _indices(at)
        )
    else:
        yield item, at


def _check_sequences(kinds: Sequence[Kind]) -> None:
    """All sequences are of one kind."""
    for part, name in enumerate(("inputs", "targets")):
        first = kinds[0][part]
        for index, kind in enumerate(kinds):
            path, found = f"$.data.sequences[{index}].{name}", kind[part]
            if (found is None) is not (first is None):
                first_has = "has them" if found is None else "has none"
                raise ReplayError(f"the first sequence {first_has}; expected all sequences alike", path)
            if found is None or found.tokens is None:
                continue
            if first is None or first.tokens is None:
                first = found
            if len(found.shape) > 1:
                raise ReplayError("three deep; expected one sequence: tokens, numbers or vectors", path)
            if (found.tokens, found.shape) != (first.tokens, first.shape):
                raise ReplayError("of another kind or size than in the first sequence", path)


def time_steps(data: Data) -> tuple[int, int]:
    """The steps of the longest sequence, and those of one epoch (sequences of a batch run side by side)."""
    if data.sequences is not None:
        each, side = [len(pair.inputs or pair.targets or ()) for pair in data.sequences], data.batch or 1
        lengths = [max(each[start : start + side]) for start in range(0, len(each), side)]
        return max(lengths), sum(lengths)
    if data.text is not None:
        T = len(split(data.text, data.level)) - 1
    else:
        T = data.steps or len(data.inputs or data.targets or ())
    return T, T


def _check_training(training: Training) -> None:
    path = "$.training"
    if training.iterations is not None and training.epochs is not None:
        raise ReplayError("has iterations and epochs; expected one of them", path)
    if training.clip is not None:
        _finite(training.clip.limit, f"{path}.clip.limit")
    for group in ("frozen", "train_initial", "report"):
        names: tuple[str, ...] = getattr(training, group)
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ReplayError(f"{quote(name)} is named twice", f"{path}.{group}[{index}]")
    if training.optimizer is not None:
        _check_optimizer(training.optimizer, f"{path}.optimizer")


def _check_optimizer(optimizer: Optimizer, path: str) -> None:
    if (optimizer.name is None) == (optimizer.equations is None):
        raise ReplayError("expected either a name or equations", path)
    if optimizer.name is not None and optimizer.name not in OPTIMIZERS:
        hint = nearest(optimizer.name, OPTIMIZERS) or f"; expected one of {', '.join(OPTIMIZERS)}"
        raise ReplayError(f"unknown optimizer {quote(optimizer.name)}{hint}", f"{path}.name")
    for name, value in optimizer.constants.items():
        if not (name.isidentifier() and len(name) <= 100):
            raise ReplayError("expected a name of letters, digits and _", member(path, name))
        _finite(value, member(path, name))


def _check_length(training: Training | None, data: Data) -> None:
    longest, epoch = time_steps(data)
    epochs = 1 if training is None else training.epochs or 1
    total = epochs * epoch
    if training is not None and training.iterations is not None:
        total = training.iterations * min(training.window or longest, longest)
    if total > MAX_TIME_STEPS:
        raise ReplayError(f"a run of {total:,} time steps; expected at most {MAX_TIME_STEPS:,}", "$.training")


def check_edit(edit: Edit, path: str) -> None:
    """An edit names one number, of a kind that can be set, and a value of a kind that can be there."""
    found = [name for name in EDITABLE if getattr(edit, name) is not None]
    if len(found) != 1:
        what = "nothing" if not found else " and ".join(found)
        raise ReplayError(f"has {what}; expected one of {', '.join(EDITABLE)}", path)
    if edit.iteration is not None and edit.parameter is None:
        raise ReplayError(f"goes with a parameter, not with {found[0]}", f"{path}.iteration")
    if edit.address is not None:
        _check_address(edit.address, f"{path}.address")
        phase = edit.address.split(":")[1]
        if phase in ("backward", "update"):
            whose = "a gradient" if phase == "backward" else "what an optimizer computes"
            raise ReplayError(
                f"{whose} follows from other numbers; expected forward, evaluate or generate",
                f"{path}.address",
            )
    if edit.initial is not None and not re.fullmatch(_STATE, edit.initial):
        raise ReplayError('expected a state, such as "h" or "h[-1]"', f"{path}.initial")
    if isinstance(edit.value, float):
        _finite(edit.value, f"{path}.value")
    elif edit.value is None and edit.target is None:
        raise ReplayError("null is for a target alone; expected a number", f"{path}.value")
    elif isinstance(edit.value, str) and edit.input is None and edit.target is None:
        raise ReplayError(f"{quote(edit.value)}; expected a finite number", f"{path}.value")


def _finite(value: float, path: str) -> None:
    if not math.isfinite(value):
        raise ReplayError("expected a finite number", path)


def _check_address(address: str, path: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise ReplayError(
            f"{quote(address)} is no address; expected iteration:phase:t:equation, such as 1:forward:3:h, "
            "or iteration:update:parameter:equation",
            path,
        )
