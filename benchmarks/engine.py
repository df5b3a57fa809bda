"""Forward + loss + backward of the engine beside the usual NumPy loop and PyTorch, in the same run.

PyTorch takes part where it is installed (`pip install torch==2.13.0`); it is no dependency.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import memory, naive
from benchmarks.timing import best_of, best_of_each
from rnn_engine import texts
from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.steps import Step, Stops
from rnn_engine.core.tape import Signal
from rnn_engine.training import Run, training_steps

Size = tuple[int, int, int, int]
"""H, T, V, B."""

SIZES: tuple[Size, ...] = (
    (1, 4, 4, 1),
    (2, 3, 3, 1),
    (16, 8, 20, 1),
    (100, 25, 65, 1),
    (100, 25, 65, 16),
    (256, 50, 96, 1),
)
DTYPES = ("float64", "float32")
CELLS = {"rnn": "rnn", "lstm": "lstm", "gru": "gru-reset-after"}
"""The texts; the GRU is the one that PyTorch has."""
LESSONS = ("hello", "hi-there-class-bptt")
"""Of which all steps are walked."""


def parameters(cell: str, H: int, V: int, dtype: str = "float64") -> dict[str, NDArray[Any]]:
    from rnn_tui.headless.new import equations, shapes

    rng = np.random.default_rng(0)
    found = shapes(equations(CELLS[cell], "tokens"), V, H)
    return {name: rng.normal(0.0, 0.1, shape).astype(dtype) for name, shape in found.items()}


def compiled(cell: str, H: int, V: int) -> Plan:
    return _compile(cell, {name: value.shape for name, value in parameters(cell, H, V).items()}, V)


def _compile(cell: str, shapes: Mapping[str, tuple[int, ...]], V: int) -> Plan:
    text = (*texts.equations("cells", CELLS[cell]), *texts.equations("heads", "tokens"))
    return make_plan(compile_equations(text, shapes, x=(V,), y=(V,)))


def tokens(V: int, T: int, B: int, seed: int) -> Signal:
    classes = np.random.default_rng(seed).integers(0, V, (T, B))
    return Signal(np.eye(V)[classes], (V,), classes)


def ours(cell: str, H: int, T: int, V: int, B: int, dtype: str = "float64") -> Callable[[], object]:
    plan, values = compiled(cell, H, V), parameters(cell, H, V, dtype)
    x, y, weights = tokens(V, T, B, 1), tokens(V, T, B, 2), np.ones((T, B)) / B

    def run() -> object:
        tape = forward(plan, values, x, y, T=T, B=B, dtype=dtype)
        backward(tape, weights)
        return tape

    return run


def usual_loop(
    cell: str, H: int, T: int, V: int, B: int, dtype: str = "float64"
) -> Callable[[], dict[str, NDArray[Any]]] | None:
    if B > 1:
        return None
    loop = {"rnn": naive.rnn, "lstm": naive.lstm, "gru": naive.gru}[cell]
    values = parameters(cell, H, V, dtype)
    x, y = tokens(V, T, B, 1).classes, tokens(V, T, B, 2).classes
    assert x is not None and y is not None
    inputs, targets = x[:, 0].tolist(), y[:, 0].tolist()
    return lambda: loop(values, inputs, targets)


def torch_module(
    cell: str, H: int, T: int, V: int, B: int, dtype: str = "float64"
) -> Callable[[], object] | None:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(getattr(torch, dtype))
    kinds: dict[str, Any] = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer, head = kinds[cell](V, H), torch.nn.Linear(H, V)
    x = torch.nn.functional.one_hot(torch.tensor(tokens(V, T, B, 1).classes), V).to(getattr(torch, dtype))
    y = torch.tensor(tokens(V, T, B, 2).classes).reshape(-1)
    every = [*layer.parameters(), *head.parameters()]

    def run() -> object:
        for p in every:
            p.grad = None
        hidden, _ = layer(x)
        loss = torch.nn.functional.cross_entropy(head(hidden).reshape(-1, V), y, reduction="sum")
        loss.backward()
        return loss

    return run


def measure(
    sizes: Sequence[Size] = SIZES, dtypes: Sequence[str] = DTYPES, rounds: int = 20
) -> list[dict[str, Any]]:
    """A row per cell, size and dtype: microseconds of ours, and how many times longer each rival takes."""
    places = [(dtype, size, cell) for dtype in dtypes for size in sizes for cell in CELLS]
    groups = []
    for dtype, size, cell in places:
        rivals = {"naive": usual_loop(cell, *size, dtype), "torch": torch_module(cell, *size, dtype)}
        present = {name: run for name, run in rivals.items() if run is not None}
        groups.append({"ours": ours(cell, *size, dtype), **present})
    return [
        {"dtype": dtype, "cell": cell, **dict(zip("HTVB", size, strict=True)), "ours_us": best["ours"] * 1e6}
        | {f"{name}/ours": best[name] / best["ours"] if name in best else None for name in ("naive", "torch")}
        for (dtype, size, cell), best in zip(places, best_of_each(groups, rounds), strict=True)
    ]


def other_costs(rounds: int = 20) -> list[dict[str, Any]]:
    """Compiling a text, a step, walking all steps of a run, bytes of tape; where not said an LSTM at 100, 25, 65, 1."""
    H, T, V, B = 100, 25, 65, 1
    tape: Any = ours("lstm", H, T, V, B)()
    stops = Stops(tape.plan.program.order, T)
    best = best_of(
        {
            "compile": lambda: _compile("lstm", tape.plan.program.parameters, V),
            "steps": lambda: [Step(tape, "forward", *stop) for stop in stops],
            "values": lambda: [Step(tape, "forward", *stop).value for stop in stops],
        },
        rounds,
    )
    found: list[dict[str, Any]] = [
        {"what": "compiling a text, µs", "value": best["compile"] * 1e6},
        {"what": "a step of a pass, µs", "value": best["steps"] / len(stops) * 1e6},
        {"what": "a step of a pass with its value, µs", "value": best["values"] / len(stops) * 1e6},
    ]
    found += [
        {"what": f"all steps of {name} ÷ the run without looking", "value": looking(name, rounds)}
        for name in LESSONS
    ]
    tapes: dict[str, Any] = {cell: ours(cell, H, T, V, B)() for cell in CELLS}
    found += [
        {"what": f"bytes of tape, {cell}", "value": memory.measured(tape.workspace)}
        for cell, tape in tapes.items()
    ]
    return found


def looking(lesson: str, rounds: int = 20, iterations: int = 10) -> float:
    """How many times longer a loop over all steps takes than the same iterations without one."""
    from rnn_engine.session import Session
    from rnn_tui.lessons import directory

    run: Run = Session.load(directory() / f"{lesson}.json").run
    last = sum(len(phase.stops) for i in range(1, iterations + 1) for phase in run.schedule.phases(i))

    def looked() -> None:
        for _ in islice(training_steps(run), last):
            pass

    def plain() -> None:
        frame = run.first()
        for _ in range(iterations):
            frame = run.iteration(frame).after

    best = best_of({"looked": looked, "plain": plain}, rounds)
    return best["looked"] / best["plain"]


def main(as_json: bool) -> int:
    rows, others = measure(), other_costs()
    if as_json:
        print(json.dumps({"engine": rows, "others": others}, indent=1))
        return 0
    print(f"{'dtype':9}{'cell':6}{'H,T,V,B':>16}{'ours µs':>10}{'naive ÷':>10}{'torch ÷':>10}   (one thread)")
    for row in rows:
        size = ",".join(str(row[n]) for n in "HTVB")
        ratios = "".join(f"{r:10.1f}" if r else f"{'–':>10}" for r in (row["naive/ours"], row["torch/ours"]))
        print(f"{row['dtype']:9}{row['cell']:6}{size:>16}{row['ours_us']:10.0f}{ratios}")
    for other in others:
        print(f"{other['what']}: {other['value']:,.2f}".replace(".00", ""))
    return 0
