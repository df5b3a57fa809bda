"""What the screen costs, through a pseudo-terminal: to start, for a key, on the wire, in memory.

Times are ratios to a Textual app that shows one label and changes it at each key. Both run at once and take turns,
key by key, so that whatever else the machine does is shared fairly. Bytes are absolute: they hardly vary.
"""

from __future__ import annotations

import json
import random
import string
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks.terminal import COLOURS, Child
from rnn_engine.data import text_data
from rnn_engine.replay import replaced
from rnn_engine.session import Session
from rnn_tui.headless.new import build
from rnn_tui.headless.own_data import described

SIZES = ((80, 24), (120, 40), (200, 60))
RIGHT, PHASE = b"\x1b[C", b"f"
KEYS, HELD = 30, 60
READY = 0.7
"""Seconds of silence after which a start counts as complete."""

LABEL = """
from textual.app import App
from textual.widgets import Label
{also}
class Hello(App):
    def compose(self):
        yield Label("hello")
    def on_key(self):
        self.count = getattr(self, "count", 0) + 1
        self.query_one(Label).update(f"hello {{self.count}}")
Hello().run(mouse=False)
"""
HELLO = ("-c", LABEL.format(also=""))
WITH_NUMPY = ("-c", LABEL.format(also="import numpy"))


@dataclass(frozen=True)
class Subject:
    """Something to open, and the first text that tells what it is."""

    name: str
    argument: str
    first: bytes
    large: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("-m", "rnn_tui", self.argument)


@dataclass(frozen=True)
class Row:
    """One measured figure, and the budget it has to keep, if there is one."""

    subject: str
    where: str
    what: str
    value: float
    unit: str
    budget: float | None = None
    beside: str = ""


def large(folder: Path, H: int = 32, V: int = 64, T: int = 25) -> Path:
    """A session of the size that people train on: a random text of V letters, one window of T time steps."""
    letters = (string.ascii_letters + string.digits + "+-")[:V]
    drawn = random.Random(0)
    text = letters + "".join(drawn.choice(letters) for _ in range(T))
    replay = build("rnn", H, described(text_data(text), "text"), 0)
    assert replay.training is not None
    replay = replaced(replay, title="Large", training=replaced(replay.training, window=T), generation=None)
    path = folder / "large.json"
    Session(replay).save(path)
    return path


@contextmanager
def subjects() -> Iterator[tuple[Subject, ...]]:
    """Two lessons, and a session of a file."""
    with tempfile.TemporaryDirectory() as folder:
        yield (
            Subject("hello", "hello", b"learn to spell"),
            Subject("hi-there-class-bptt", "hi-there-class-bptt", b"by hand"),
            Subject("H=32 V=64 T=25", str(large(Path(folder))), b"Large", large=True),
        )


def percentile_95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def starting(of: Sequence[Subject], rounds: int) -> Iterator[Row]:
    """Start to first text: the middle of the ratios of rounds in which all take turns.

    Not the ratio of the best: a machine that is fast for a moment would lend that moment to one of them.
    """
    jobs = {"label": (HELLO, b"hello")} | {each.name: (each.arguments, each.first) for each in of}
    jobs["list of lessons"] = (("-m", "rnn_tui"), b"rnn-tui")
    took: dict[str, list[float]] = {name: [] for name in jobs}
    for k in range(rounds + 1):
        for name, (arguments, text) in jobs.items():
            with closing(Child(arguments)) as child:
                passed = child.until(text)
            if k:  # the first round warms the disk, and may have modules to compile
                took[name].append(passed)
    label = took.pop("label")
    for name, each in took.items():
        ratio = median(ours / theirs for ours, theirs in zip(each, label, strict=True))
        said = f"{median(each):.0f} ms, {median(label):.0f} the label"
        yield Row(name, "120×40", "start to first text", ratio, "×", 1.3, said)


def keys(subject: Subject, count: int) -> Iterator[Row]:
    """A key to its last byte, each in turn with one for the label; then memory."""
    with (
        closing(Child(HELLO)) as label,
        closing(Child(subject.arguments)) as child,
        closing(Child(WITH_NUMPY)) as numpy,
    ):
        for each, text in ((label, b"hello"), (child, subject.first), (numpy, b"hello")):
            each.until(text)
            each.rest(READY)

        def memory(what: str, budget: float | None) -> Row:
            said = f"{child.peak():.0f} MiB, {numpy.peak():.0f} label and NumPy, {label.peak():.0f} label"
            return Row(subject.name, "120×40", what, child.peak() - numpy.peak(), "MiB", budget, said)

        yield Row(subject.name, "120×40", "sent at start", len(child.seen) / 1e3, "kB", 60)
        yield memory("memory above NumPy", 10)
        for phase in ("forward", "backward"):
            if phase == "backward":
                child.press(PHASE)
            ours, theirs = [], []
            for _ in range(count):
                theirs.append(label.press(RIGHT)[0])
                ours.append(child.press(RIGHT)[0])
            budget = 5.0 if phase == "backward" else 2.5 if subject.large else 2.0
            said = f"{median(ours):.1f} ms, {median(theirs):.1f} the label"
            at = f"120×40 {phase}"
            yield Row(subject.name, at, "a key, median", median(ours) / median(theirs), "×", budget, said)
            ratio = percentile_95(ours) / percentile_95(theirs)
            yield Row(subject.name, at, "a key, 95 %", ratio, "×", None, f"{percentile_95(ours):.1f} ms")
        yield memory("memory after these keys", None)


def sent(subject: Subject, size: tuple[int, int], colours: str, count: int) -> Iterator[Row]:
    """Bytes of a step in both directions, and of held keys."""
    where = f"{size[0]}×{size[1]} {colours}"
    here = size == (120, 40) and colours == "true colour"
    with closing(Child(subject.arguments, size, colours)) as child:
        child.until(subject.first)
        child.rest(READY)
        for phase in ("forward", "backward"):
            if phase == "backward":
                child.press(PHASE)
            bytes_each = [child.press(RIGHT)[1] for _ in range(count)]
            budget = None if not here else 1.2 if not subject.large else 2.2 if phase == "forward" else 8.5
            said = f"95 % {percentile_95(bytes_each) / 1e3:.2f}"
            yield Row(subject.name, where, f"a step {phase}", median(bytes_each) / 1e3, "kB", budget, said)
        took, count_sent, frames = child.press(RIGHT * HELD)
        said = f"{took:.0f} ms, {count_sent / 1e3:.1f} kB"
        yield Row(subject.name, where, f"{HELD} keys at once", frames, "frames", 3 if here else None, said)


def fifty(subject: Subject, count: int = 50) -> Iterator[Row]:
    """So many sessions started together on this host."""
    start = time.perf_counter()
    children = [Child(subject.arguments) for _ in range(count)]
    last = max(child.until(subject.first) + (child.started - start) * 1e3 for child in children)
    for child in children:
        child.rest(READY)
    memory = [_own_share(child.pid) for child in children]
    for child in children:
        child.close()
    yield Row(subject.name, f"{count} at once", "the last first text", last / 1e3, "s")
    yield Row(
        subject.name, f"{count} at once", "memory each, shared pages shared", sum(memory) / count, "MiB"
    )


def _own_share(pid: int) -> float:
    rolled = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in rolled if line.startswith("Pss:")) / 1024


def measure(*, quick: bool, together: bool) -> Iterator[Row]:
    """Every figure, one after another."""
    with subjects() as opened:
        if together:
            yield from fifty(opened[0])
            return
        yield from starting(opened, rounds=5 if quick else 12)
        for subject in opened:
            yield from keys(subject, KEYS // 2 if quick else KEYS)
        sizes = SIZES[1:2] if quick else SIZES
        colours = list(COLOURS)[:1] if quick else list(COLOURS)
        for subject in opened:
            for size in sizes:
                for kind in colours:
                    yield from sent(subject, size, kind, 12)


def line(row: Row) -> str:
    """A row of the table; what is over its budget is marked."""
    budget = "" if row.budget is None else f"≤ {row.budget:g}"
    over = "OVER" if row.budget is not None and row.value > row.budget else ""
    value = f"{row.value:.2f} {row.unit}" if row.unit != "frames" else f"{row.value:.0f} frames"
    return f"{row.subject:21}{row.where:22}{row.what:34}{value:>12}{budget:>8} {over:5}{row.beside}"


def main(as_json: bool, *, quick: bool = False, together: bool = False) -> int:
    rows = []
    for row in measure(quick=quick, together=together):
        rows.append(row)
        if not as_json:
            print(line(row), flush=True)
    if as_json:
        print(json.dumps({"screen": [asdict(row) for row in rows]}, indent=1))
    return 0
