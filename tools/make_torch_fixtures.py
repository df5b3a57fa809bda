"""Make tests/fixtures/torch from PyTorch in float64. PyTorch is no dependency: run this in an environment of its own.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 numpy
    /tmp/torch/bin/python tools/make_torch_fixtures.py

The gradients of all states inside a layer are needed, which PyTorch's fused layers do not give. So every layer
is also written out, one operation after the other, and the fused layer must agree with it in all that it gives.
Inputs and weights are rounded to three decimals; what PyTorch makes of them keeps all digits.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch

FOLDER = Path(__file__).parent.parent / "tests" / "fixtures" / "torch"
N, H, V, T = 2, 3, 3, 5
"""Elements of an input, hidden units, classes, time steps."""
GATES = {"RNN": "a", "LSTM": "ifgo", "GRU": "run"}
CELLS = (("RNN", "tanh"), ("RNN", "relu"), ("LSTM", ""), ("GRU", ""))
LENGTHS = (5, 3, 4, 1)
OPTIMIZERS: Mapping[str, tuple[Callable[..., Any], dict[str, float]]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.01}),
    "momentum": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.01}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.001}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01}),
}
STEPS = 50

Tensor: TypeAlias = Any
Place: TypeAlias = "tuple[int, str]"


def rounded(*shape: int, scale: float = 1.0) -> Tensor:
    return torch.round(scale * torch.randn(*shape), decimals=3)


class Recorder:
    """All tensors of a run by time step and name; one element of one of them may be replaced by a constant."""

    def __init__(self, place: Place | None = None, element: tuple[int, ...] = (), value: float = 0.0) -> None:
        self.place, self.element, self.value = place, element, value
        self.seen: dict[Place, Tensor] = {}

    def see(self, t: int, name: str, tensor: Tensor) -> Tensor:
        if (t, name) == self.place:
            mask = torch.zeros_like(tensor, dtype=torch.bool)
            mask[self.element] = True
            tensor = torch.where(mask, torch.full_like(tensor, self.value), tensor)
        if tensor.requires_grad:
            tensor.retain_grad()
        self.seen[t, name] = tensor
        return tensor

    def values(self, name: str) -> list[Any]:
        return [tensor.tolist() for (_, seen), tensor in sorted(self.seen.items()) if seen == name]

    def gradients(self, name: str) -> list[Any]:
        """What arrives at the values used; zeros where nothing does."""
        return [
            (torch.zeros_like(v) if v.grad is None else v.grad).tolist()
            for (_, seen), v in sorted(self.seen.items())
            if seen == name
        ]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for _, name in self.seen))


# ---------------------------------------------------------------- layers, written out


def layer(
    recorder: Recorder,
    kind: str,
    activation: str,
    weights: Sequence[Tensor],
    x: Sequence[Tensor],
    state: dict[str, Tensor],
    suffix: str,
    reverse: bool,
    lengths: Tensor,
) -> list[Tensor]:
    """One direction of one layer, time step by time step; behind its end a sequence keeps its state."""
    w_x, w_h, b_x, b_h = weights
    outputs: dict[int, Tensor] = {}
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        from_x = torch.nn.functional.linear(x[t], w_x, b_x).chunk(len(GATES[kind]), dim=-1)
        from_h = torch.nn.functional.linear(state["h"], w_h, b_h).chunk(len(GATES[kind]), dim=-1)
        new = {}
        if kind == "RNN":
            new["h"] = getattr(torch, activation)(from_x[0] + from_h[0])
        elif kind == "LSTM":
            i, f, o = (torch.sigmoid(from_x[j] + from_h[j]) for j in (0, 1, 3))
            new["c"] = f * state["c"] + i * torch.tanh(from_x[2] + from_h[2])
        else:
            r, u = (torch.sigmoid(from_x[j] + from_h[j]) for j in (0, 1))
            new["h"] = (1 - u) * torch.tanh(from_x[2] + r * from_h[2]) + u * state["h"]
        running = (t < lengths)[:, None]
        if kind == "LSTM":
            c = recorder.see(t, f"c{suffix}", torch.where(running, new["c"], state["c"]))
            state["c"], new["h"] = c, o * torch.tanh(c)
        state["h"] = recorder.see(t, f"h{suffix}", torch.where(running, new["h"], state["h"]))
        outputs[t] = state["h"]
    return [outputs[t] for t in range(len(x))]


def endings(layers: int, bidirectional: bool) -> Iterator[tuple[str, str]]:
    """Ours and PyTorch's: `_1b` and `0_reverse`."""
    for k, way in itertools.product(range(layers), ("", "b") if bidirectional else ("",)):
        yield f"_{k + 1}{way}", f"{k}{'_reverse' if way else ''}"


def fused_layer(kind: str, activation: str, **options: Any) -> Any:
    if kind == "RNN":
        options["nonlinearity"] = activation
    module = getattr(torch.nn, kind)(N, H, **options)
    for weight in module.parameters():
        weight.data = rounded(*weight.shape, scale=0.6)
    return module


def layer_case(
    kind: str, activation: str, layers: int, bidirectional: bool, B: int, given: bool, lengths: Sequence[int]
) -> dict[str, Any]:
    """One stack of layers with softmax and cross-entropy on it, summed over time, the mean over the batch."""
    module = fused_layer(kind, activation, num_layers=layers, bidirectional=bidirectional)
    D = 1 + bidirectional
    head = {"W_hy": rounded(V, D * H), "b_y": rounded(V)}
    x, y = rounded(T, B, N), torch.randint(V, (T, B))
    ends = list(endings(layers, bidirectional))
    letters = "hc" if kind == "LSTM" else "h"
    initial = {
        f"{letter}{ours}": rounded(B, H) if given else torch.zeros(B, H)
        for ours, _ in ends
        for letter in letters
    }
    leaves = [*module.parameters(), *head.values(), *initial.values()]
    for leaf in leaves:
        leaf.requires_grad_()
    size = torch.tensor(lengths)
    counts = torch.arange(T)[:, None] < size

    def objective(outputs: Tensor) -> tuple[Tensor, Tensor]:
        z = outputs @ head["W_hy"].T + head["b_y"]
        loss = torch.nn.functional.cross_entropy(z.reshape(T * B, V), y.reshape(T * B), reduction="none")
        return z, torch.where(counts, loss.reshape(T, B), 0.0).sum() / B

    recorder, inputs = Recorder(), list(x)
    by_name = dict(module.named_parameters())
    for k in range(layers):
        ways = []
        for ours, theirs in ends[k * D : (k + 1) * D]:
            weights = [by_name[f"{w}_l{theirs}"] for w in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            state = {letter: initial[f"{letter}{ours}"] for letter in letters}
            reverse = theirs.endswith("reverse")
            ways.append(layer(recorder, kind, activation, weights, inputs, state, ours, reverse, size))
        inputs = [torch.cat(parts, dim=-1) for parts in zip(*ways, strict=True)]
    z, loss = objective(torch.stack(inputs))
    loss.backward()
    gradients = [leaf.grad.clone() for leaf in leaves]
    check_fused(
        module, x, size, initial, ends, letters, objective, loss, dict(zip(leaves, gradients, strict=True))
    )
    found = dict(zip([*by_name, *head, *initial], gradients, strict=True))
    return {
        "kind": kind,
        "activation": activation,
        "layers": layers,
        "bidirectional": bidirectional,
        "given": given,
        "lengths": list(lengths),
        "x": x.tolist(),
        "y": y.tolist(),
        "weights": {name: weight.tolist() for name, weight in (*by_name.items(), *head.items())},
        "initial": {name: state.tolist() for name, state in initial.items()},
        "values": {**{name: recorder.values(name) for name in recorder.names}, "z": z.tolist()},
        "loss": loss.item(),
        "gradients": {name: recorder.gradients(name) for name in recorder.names},
        "weight_gradients": {name: found[name].tolist() for name in (*by_name, *head)},
        "initial_gradients": {name: found[name].tolist() for name in initial},
    }


def check_fused(
    module: Any,
    x: Tensor,
    lengths: Tensor,
    initial: Mapping[str, Tensor],
    ends: Sequence[tuple[str, str]],
    letters: str,
    objective: Callable[[Tensor], tuple[Tensor, Tensor]],
    loss: Tensor,
    gradients: Mapping[Tensor, Tensor],
) -> None:
    """PyTorch's own layer, on packed sequences where lengths differ, must give the same."""
    for leaf in gradients:
        leaf.grad = None
    states = [torch.stack([initial[f"{letter}{ours}"] for ours, _ in ends]) for letter in letters]
    packed: Any = x
    if len(set(lengths.tolist())) > 1:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    outputs, _ = module(packed, tuple(states) if len(states) > 1 else states[0])
    if packed is not x:
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs)
    _, fused_loss = objective(outputs)
    fused_loss.backward()
    torch.testing.assert_close(fused_loss, loss, rtol=1e-13, atol=1e-13)
    for leaf, gradient in gradients.items():
        torch.testing.assert_close(leaf.grad, gradient, rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------- runs of an optimiser


def optimizer_case(kind: str, name: str, clip: str | None, limit: float) -> dict[str, Any]:
    """50 iterations on one batch; the loss is the mean over time and batch."""
    torch.manual_seed(7)
    B = 2
    module = fused_layer(kind, "tanh")
    head = torch.nn.Linear(H, V)
    head.weight.data, head.bias.data = rounded(V, H, scale=0.6), rounded(V, scale=0.6)
    x, y = rounded(T, B, N), torch.randint(V, (T, B))
    named = {**dict(module.named_parameters()), "W_hy": head.weight, "b_y": head.bias}
    start = {name: weight.tolist() for name, weight in named.items()}
    make, options = OPTIMIZERS[name]
    optimizer = make(named.values(), **options)
    losses, clipped = [], 0
    for _ in range(STEPS):
        optimizer.zero_grad()
        z = head(module(x)[0])
        loss = torch.nn.functional.cross_entropy(z.reshape(T * B, V), y.reshape(T * B))
        loss.backward()
        losses.append(loss.item())
        if clip == "value":
            clipped += any(bool((w.grad.abs() > limit).any()) for w in named.values())
            torch.nn.utils.clip_grad_value_(named.values(), limit)
        elif clip == "norm":
            clipped += bool(torch.nn.utils.clip_grad_norm_(named.values(), limit) > limit)
        optimizer.step()
    assert losses[-1] < losses[0] and bool(clipped) == bool(clip), (kind, name, clip, clipped, losses)
    return {
        "kind": kind,
        "optimizer": name,
        "learning_rate": options["lr"],
        "clip": clip,
        "limit": limit,
        "x": x.tolist(),
        "y": y.tolist(),
        "weights": start,
        "losses": losses,
        "final": {name: weight.tolist() for name, weight in named.items()},
    }


# ---------------------------------------------------------------- overrides

HEAD = ("z = W_hy @ h + b_y", "p = softmax(z)", "loss = cross_entropy(p, y)")
TEXTS: Mapping[str, tuple[str, ...]] = {
    "rnn": ("a = W_xh @ x + W_hh @ h[t-1] + b_h", "h = tanh(a)", *HEAD),
    "lstm": (
        *(f"{g} = sigmoid(W_x{g} @ x + W_h{g} @ h[t-1] + b_{g})" for g in "ifo"),
        "g = tanh(W_xg @ x + W_hg @ h[t-1] + b_g)",
        "c = f * c[t-1] + i * g",
        "h = o * tanh(c)",
        *HEAD,
    ),
    "gru": (
        *(f"{g} = sigmoid(W_x{g} @ x + W_h{g} @ h[t-1] + b_{g})" for g in "ur"),
        "n = tanh(W_xn @ x + W_hn @ (r * h[t-1]) + b_n)",
        "h = u * h[t-1] + (1 - u) * n",
        *HEAD,
    ),
    "gru-reset-after": (
        *(f"{g} = sigmoid(W_x{g} @ x + W_h{g} @ h[t-1] + b_{g})" for g in "ur"),
        "n = tanh(W_xn @ x + b_xn + r * (W_hn @ h[t-1] + b_hn))",
        "h = u * h[t-1] + (1 - u) * n",
        *HEAD,
    ),
}


def cell(
    name: str, see: Callable[[str, Tensor], Tensor], w: Mapping[str, Tensor], x: Tensor, s: dict[str, Tensor]
) -> None:
    """One time step of a cell, tensor by tensor; `s` is the state, before and after."""

    def gate(g: str) -> Tensor:
        return see(g, torch.sigmoid(x @ w[f"W_x{g}"].T + s["h"] @ w[f"W_h{g}"].T + w[f"b_{g}"]))

    if name == "rnn":
        s["h"] = see("h", torch.tanh(see("a", x @ w["W_xh"].T + s["h"] @ w["W_hh"].T + w["b_h"])))
    elif name == "lstm":
        i, f, o = map(gate, "ifo")
        g = see("g", torch.tanh(x @ w["W_xg"].T + s["h"] @ w["W_hg"].T + w["b_g"]))
        s["c"] = see("c", f * s["c"] + i * g)
        s["h"] = see("h", o * torch.tanh(s["c"]))
    else:
        u, r = map(gate, "ur")
        if name == "gru":
            n = see("n", torch.tanh(x @ w["W_xn"].T + (r * s["h"]) @ w["W_hn"].T + w["b_n"]))
        else:
            n = see("n", torch.tanh(x @ w["W_xn"].T + w["b_xn"] + r * (s["h"] @ w["W_hn"].T + w["b_hn"])))
        s["h"] = see("h", u * s["h"] + (1 - u) * n)


def override_run(
    name: str, w: Mapping[str, Tensor], x: Tensor, y: Tensor, first: Mapping[str, Tensor], recorder: Recorder
) -> dict[str, Any]:
    """A run with one element overridden: all values, all gradients of the sum over time, mean over the batch."""
    for leaf in (*w.values(), *first.values()):
        leaf.grad = None
        leaf.requires_grad_()
    state, total = dict(first), torch.zeros(())
    for t in range(1, len(x) + 1):

        def see(key: str, tensor: Tensor, t: int = t) -> Tensor:
            return recorder.see(t, key, tensor)

        cell(name, see, w, x[t - 1], state)
        p = see("p", torch.softmax(see("z", state["h"] @ w["W_hy"].T + w["b_y"]), dim=-1))
        loss = see("loss", -torch.log(p[torch.arange(len(p)), y[t - 1]]))
        total = total + loss.sum() / len(p)
    total.backward()
    # the loss and the softmax are one on the way back, unless p itself is overridden
    names = [n for n in recorder.names if n != "p" or (recorder.place and recorder.place[1] == "p")]
    return {
        "values": {n: recorder.values(n) for n in recorder.names},
        "gradients": {n: recorder.gradients(n) for n in names},
        "weight_gradients": {n: leaf.grad.tolist() for n, leaf in w.items()},
        "initial_gradients": {n: leaf.grad.tolist() for n, leaf in first.items()},
    }


def override_case(name: str) -> dict[str, Any]:
    B = 2
    w = {
        p: rounded(*((rows,) if p[0] == "b" else (rows, N if p[2] == "x" else H)))
        for p in dict.fromkeys(re.findall(r"[Wb]_\w+", "\n".join(TEXTS[name])))
        for rows in [V if p.endswith("y") else H]
    }
    x, y = rounded(T, B, N), torch.randint(V, (T, B))
    first = {letter: rounded(B, H) for letter in ("hc" if name == "lstm" else "h")}
    head = {
        "equations": list(TEXTS[name]),
        "x": x.tolist(),
        "y": y.tolist(),
        "parameters": {key: value.tolist() for key, value in w.items()},
        "initial": {key: value.tolist() for key, value in first.items()},
    }
    plain = Recorder()
    override_run(name, w, x, y, first, plain)
    overrides = []
    for k, (tensor, t) in enumerate(itertools.product(plain.names, (1, (T + 1) // 2, T))):
        element = (k % B,) if tensor == "loss" else (k % B, k % H)
        value = 0.3 if tensor == "p" else -0.25  # a probability stays one
        run = override_run(name, w, x, y, first, Recorder((t, tensor), element, value))
        overrides.append({"t": t, "name": tensor, "element": element, "value": value, **run})
    return {**head, "overrides": overrides}


def write(name: str, cases: Any) -> None:
    text = json.dumps(cases, separators=(",", ":")).replace("},{", "},\n{")
    FOLDER.mkdir(parents=True, exist_ok=True)
    # without a time in it, so that the same numbers are the same bytes
    (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    stacks = list(itertools.product(CELLS, (1, 2), (False, True)))
    write(
        "layers",
        [
            layer_case(*which, layers, both, B, given, [T] * B)
            for which, layers, both in stacks
            for B, given in itertools.product((1, 4), (False, True))
        ],
    )
    write("lengths", [layer_case(*which, layers, both, 4, True, LENGTHS) for which, layers, both in stacks])
    limits = ((None, 0.0), ("value", 0.02), ("norm", 0.1))
    write(
        "optimizers",
        [optimizer_case(kind, name, *clip) for kind in GATES for name in OPTIMIZERS for clip in limits],
    )
    write("overrides", {name: override_case(name) for name in TEXTS})


if __name__ == "__main__":
    main()
