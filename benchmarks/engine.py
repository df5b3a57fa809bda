"""Forward + loss + backward of the engine beside the usual NumPy loop and PyTorch, in the same run.

PyTorch takes part where it is installed (`pip install torch==2.13.0`); it is no dependency.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import naive
from benchmarks.timing import best_of
from rnn_engine import texts
from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.steps import Step, Stops
from rnn_engine.core.tape import Signal

SIZES = ((1, 4, 4, 1), (2, 3, 3, 1), (16, 8, 20, 1), (100, 25, 65, 1), (100, 25, 65, 16), (256, 50, 96, 1))
"""H, T, V, B."""
CELLS = ("rnn", "lstm", "gru")


def parameters(cell: str, H: int, V: int) -> dict[str, np.ndarray]:
    from rnn_tui.headless.new import equations, shapes

    rng = np.random.default_rng(0)
    found = shapes(equations(cell, "tokens"), V, H)
    return {name: rng.normal(0.0, 0.1, shape) for name, shape in found.items()}


def compiled(cell: str, H: int, V: int) -> Plan:
    text = (*texts.equations("cells", cell), *texts.equations("heads", "tokens"))
    values = parameters(cell, H, V)
    return make_plan(compile_equations(text, {n: v.shape for n, v in values.items()}, x=(V,), y=(V,)))


def tokens(V: int, T: int, B: int, seed: int) -> Signal:
    classes = np.random.default_rng(seed).integers(0, V, (T, B))
    return Signal(np.eye(V)[classes], (V,), classes)


def ours(cell: str, H: int, T: int, V: int, B: int) -> Callable[[], object]:
    plan, values = compiled(cell, H, V), parameters(cell, H, V)
    x, y, weights = tokens(V, T, B, 1), tokens(V, T, B, 2), np.ones((T, B)) / B

    def run() -> object:
        tape = forward(plan, values, x, y, T=T, B=B)
        backward(tape, weights)
        return tape

    return run


def usual_loop(cell: str, H: int, T: int, V: int, B: int) -> Callable[[], object] | None:
    loop = {"rnn": naive.rnn, "lstm": naive.lstm}.get(cell)
    if loop is None or B > 1:
        return None
    values = parameters(cell, H, V)
    x, y = tokens(V, T, B, 1).classes, tokens(V, T, B, 2).classes
    assert x is not None and y is not None
    inputs, targets = x[:, 0].tolist(), y[:, 0].tolist()
    return lambda: loop(values, inputs, targets)


def torch_module(cell: str, H: int, T: int, V: int, B: int) -> Callable[[], object] | None:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    kinds: dict[str, Any] = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    layer, head = kinds[cell](V, H), torch.nn.Linear(H, V)
    x = torch.nn.functional.one_hot(torch.tensor(tokens(V, T, B, 1).classes), V).to(torch.float64)
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


def measure(sizes: tuple[tuple[int, int, int, int], ...] = SIZES, rounds: int = 7) -> list[dict[str, object]]:
    """A row per cell and size: microseconds of ours, and how many times longer each rival takes."""
    rows = []
    for size in sizes:
        for cell in CELLS:
            rivals = {"naive": usual_loop(cell, *size), "torch": torch_module(cell, *size)}
            runs = {"ours": ours(cell, *size)} | {name: run for name, run in rivals.items() if run}
            best = best_of(runs, rounds)
            row: dict[str, object] = {
                "cell": cell,
                "H,T,V,B": ",".join(map(str, size)),
                "ours_us": best["ours"] * 1e6,
            }
            for name in ("naive", "torch"):
                row[f"{name}/ours"] = best[name] / best["ours"] if name in best else None
            rows.append(row)
    return rows


def other_costs() -> list[dict[str, object]]:
    """Compiling a text, yielding a step, bytes of tape."""
    plan = compiled("lstm", 16, 8)
    tape: Any = ours("lstm", 16, 20, 8, 1)()
    stops = Stops(plan.program.order, 20)
    best = best_of(
        {
            "compile lstm": lambda: compiled("lstm", 16, 8),
            "walk all steps of a pass": lambda: [Step(tape, "forward", *stop).value for stop in stops],
        }
    )
    return [{"what": name, "us": seconds * 1e6} for name, seconds in best.items()] + [
        {"what": "steps of that pass", "count": len(stops)}
    ]


def main(as_json: bool) -> int:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    rows, others = measure(), other_costs()
    if as_json:
        import json

        print(json.dumps({"engine": rows, "others": others}, indent=1))
        return 0
    print(f"{'cell':6}{'H,T,V,B':>16}{'ours µs':>10}{'naive ÷':>10}{'torch ÷':>10}   (float64, one thread)")
    for row in rows:
        ratios = [row["naive/ours"], row["torch/ours"]]
        cells = "".join(f"{r:10.1f}" if isinstance(r, float) else f"{'–':>10}" for r in ratios)
        print(f"{row['cell']:6}{row['H,T,V,B']:>16}{row['ours_us']:10.0f}{cells}")
    for other in others:
        print(
            ", ".join(f"{k}: {v:.0f}" if isinstance(v, float) else f"{k}: {v}" for k, v in other.items()),
            file=sys.stdout,
        )
    return 0
