"""A replay: a session as one JSON file. The engine's only door to files, and its only user of msgspec.

A replay is data from strangers: nothing in it is executed, opened as a path or written raw to a terminal,
and every error about it is one line: file, JSON path, what was expected.
"""

from __future__ import annotations

from msgspec.structs import replace as replaced

from rnn_engine.replay.checks import OPTIMIZERS, check_data, nearest, prompt_level, split
from rnn_engine.replay.codec import dumps, load, load_data, loads, read_edit, save
from rnn_engine.replay.files import read_bytes, read_text, replaceable, write_whole
from rnn_engine.replay.schema import (
    FORMAT,
    VERSION,
    Clip,
    Data,
    Dtype,
    Edit,
    Generation,
    Inputs,
    Mark,
    Optimizer,
    Reduction,
    Replay,
    SequencePair,
    Targets,
    Training,
    Value,
)
from rnn_engine.replay.text import quote

__all__ = [
    "FORMAT",
    "OPTIMIZERS",
    "VERSION",
    "Clip",
    "Data",
    "Dtype",
    "Edit",
    "Generation",
    "Inputs",
    "Mark",
    "Optimizer",
    "Reduction",
    "Replay",
    "SequencePair",
    "Targets",
    "Training",
    "Value",
    "check_data",
    "dumps",
    "load",
    "load_data",
    "loads",
    "nearest",
    "prompt_level",
    "quote",
    "read_bytes",
    "read_edit",
    "read_text",
    "replaceable",
    "replaced",
    "save",
    "split",
    "write_whole",
]
