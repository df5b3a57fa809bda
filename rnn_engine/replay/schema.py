"""What a replay is made of: immutable structs with types and ranges, in the order in which they are written.

`docs/replay-format.md` describes every member for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rnn_engine.replay.checks import MAX_EPOCHS, MAX_ITERATIONS, MAX_MARKS, MAX_T, MAX_TEXT

FORMAT: Final = "rnn-tui-replay"
VERSION: Final = (0, 1)

Value = float | tuple[float | tuple[float, ...], ...]
"""A scalar, a vector `[n]` or a matrix `[m][n]`."""
Inputs = tuple[int | float | str | tuple[int | float | tuple[int | float, ...], ...], ...]
"""Tokens or numbers `[T]`, vectors `[T][n]`, batches `[T][B][n]`."""
Targets = tuple[
    int | float | str | tuple[int | float | str | tuple[int | float, ...] | None, ...] | None, ...
]
"""As `Inputs`, or `[T][B]` beside a batch; null where there is no loss."""

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Names = tuple[Name, ...]
Address = Annotated[str, Meta(min_length=1, max_length=300)]
Line = Annotated[str, Meta(max_length=200)]
Prose = Annotated[str, Meta(max_length=10_000)]
Token = Annotated[str, Meta(min_length=1, max_length=200)]
Equations = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=2_000)], ...], Meta(min_length=1, max_length=1_000)
]
Count = Annotated[int, Meta(ge=1, le=MAX_T)]
Dtype = Literal["float64", "float32"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every object of a replay has in common: immutable, and no member that is not listed."""


class SequencePair(Record, frozen=True, kw_only=True):
    """One of several sequences: inputs, targets or both, of one length."""

    inputs: Inputs | None = None
    targets: Targets | None = None


class Data(Record, frozen=True, kw_only=True):
    """Exactly one of inputs/targets, sequences (+ batch), text (+ level), steps."""

    vocabulary: Annotated[tuple[Token, ...], Meta(min_length=1, max_length=4096)] | None = None
    inputs: Inputs | None = None
    targets: Targets | None = None
    sequences: Annotated[tuple[SequencePair, ...], Meta(min_length=1, max_length=MAX_T)] | None = None
    batch: Annotated[int, Meta(ge=1, le=4096)] | None = None
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | None = None
    level: Literal["characters", "words"] | None = None
    """None = characters."""
    steps: Count | None = None


class Optimizer(Record, frozen=True, kw_only=True):
    """A name or an update text of one's own; in the file the constants stand beside it, not in an object."""

    name: str | None = None
    equations: Equations | None = None
    constants: Mapping[str, float] = {}


class Reduction(Record, frozen=True, kw_only=True):
    """How losses become the objective, over time and over the sequences of a batch."""

    time: Literal["sum", "mean"] = "sum"
    batch: Literal["sum", "mean"] = "mean"


class Clip(Record, frozen=True, kw_only=True):
    """Gradient clipping: each element into ±limit, or the norm over all unfrozen parameters to limit."""

    kind: Literal["value", "norm"]
    limit: Annotated[float, Meta(gt=0)]


class Training(Record, frozen=True, kw_only=True):
    """How a session learns; `iterations` or `epochs`, or neither (one epoch)."""

    optimizer: Optimizer | None = None
    window: Count | None = None
    """Time steps of one truncated-BPTT window; None = the whole sequence."""
    carry: bool = True
    last_window: Literal["keep", "drop"] = "keep"
    reduction: Reduction = Reduction()
    clip: Clip | None = None
    iterations: Annotated[int, Meta(ge=1, le=MAX_ITERATIONS)] | None = None
    epochs: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)] | None = None
    frozen: Names = ()
    train_initial: Names = ()
    """Names of states whose initial value is learned as well."""
    report: Names = ()
    """Scalar equations totalled beside the loss."""


class Generation(Record, frozen=True, kw_only=True):
    """Run on from a prompt, each drawn token the next input."""

    prompt: (
        Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
        | Annotated[tuple[Token, ...], Meta(min_length=1, max_length=MAX_T)]
    )
    """Tokens; or text, split like the data (characters at that level, else words)."""
    length: Count
    mode: Literal["greedy", "sample"] = "greedy"
    temperature: Annotated[float, Meta(gt=0)] = 1.0
    top_k: Annotated[int, Meta(ge=1, le=4096)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class Mark(Record, frozen=True, kw_only=True):
    """A named place in time, with words about it."""

    address: Address
    name: Line = ""
    note: Prose = ""


class Edit(Record, frozen=True, kw_only=True):
    """One number set by hand: exactly one of `address`, `parameter`, `input`, `target`, `initial` says which."""

    address: Address | None = None
    """A value of an equation, at this step alone."""
    parameter: Name | None = None
    iteration: Annotated[int, Meta(ge=1, le=MAX_ITERATIONS + 1)] | None = None
    """From the beginning of which iteration on the parameter is what is set; None = the first."""
    input: Count | None = None
    """The time step, in every epoch; so for a target."""
    target: Count | None = None
    initial: Name | None = None
    """A state as `Replay.initial` names it: `h`, `h[-1]`."""
    index: Annotated[tuple[Annotated[int, Meta(ge=0, lt=4096)], ...], Meta(max_length=2)] = ()
    sequence: Annotated[int, Meta(ge=1, le=MAX_T)] = 1
    """Of the batch; of an input or target, of all the data."""
    value: float | str | None
    """A token where the data are tokens; None: no target."""


class Replay(Record, frozen=True, kw_only=True):
    """A session as it is stored, in the order in which it is written."""

    format: Literal["rnn-tui-replay"] = FORMAT
    version: tuple[int, int] = VERSION
    title: Line = ""
    notes: Prose = ""
    dtype: Dtype = "float64"
    """What every number of the run is."""
    equations: Equations
    data: Data
    initial: Mapping[str, Value] = {}
    parameters: Mapping[str, Value]
    training: Training | None = None
    evaluate: bool = False
    generation: Generation | None = None
    marks: Annotated[tuple[Mark, ...], Meta(max_length=MAX_MARKS)] = ()
    edits: Annotated[tuple[Edit, ...], Meta(max_length=MAX_MARKS)] = ()
    cursor: Address | None = None
