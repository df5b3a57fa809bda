"""The usual way: a loop over time with column vectors, as people write it first. Forward, loss, backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def rnn(p: Mapping[str, Floats], inputs: Sequence[int], targets: Sequence[int]) -> dict[str, Floats]:
    """A tanh RNN with a softmax head over tokens; the gradients."""
    V, H = p["W_xh"].shape[1], p["W_hh"].shape[0]
    dtype = p["W_xh"].dtype
    b_h, b_y = p["b_h"].reshape(-1, 1), p["b_y"].reshape(-1, 1)
    xs, hs, ps = {}, {-1: np.zeros((H, 1), dtype)}, {}
    loss = 0.0
    for t, token in enumerate(inputs):
        xs[t] = np.zeros((V, 1), dtype)
        xs[t][token] = 1
        hs[t] = np.tanh(np.dot(p["W_xh"], xs[t]) + np.dot(p["W_hh"], hs[t - 1]) + b_h)
        y = np.dot(p["W_hy"], hs[t]) + b_y
        ps[t] = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(ps[t][targets[t], 0])
    g = {name: np.zeros_like(value) for name, value in p.items()}
    g["b_h"], g["b_y"] = np.zeros_like(b_h), np.zeros_like(b_y)
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        g["W_hy"] += np.dot(dy, hs[t].T)
        g["b_y"] += dy
        dh = np.dot(p["W_hy"].T, dy) + dh_next
        da = (1 - hs[t] * hs[t]) * dh
        g["b_h"] += da
        g["W_xh"] += np.dot(da, xs[t].T)
        g["W_hh"] += np.dot(da, hs[t - 1].T)
        dh_next = np.dot(p["W_hh"].T, da)
    return g


def _sigmoid(v: Floats) -> Floats:
    return 1 / (1 + np.exp(-v))


def lstm(p: Mapping[str, Floats], inputs: Sequence[int], targets: Sequence[int]) -> dict[str, Floats]:
    """An LSTM with the gates' weights apart, as the bundled text has them."""
    V, H = p["W_xi"].shape[1], p["W_hi"].shape[0]
    dtype = p["W_xi"].dtype
    gates = "ifog"
    squash: dict[str, Callable[[Floats], Floats]] = {
        "i": _sigmoid,
        "f": _sigmoid,
        "o": _sigmoid,
        "g": np.tanh,
    }
    column = {name: value.reshape(-1, 1) if value.ndim == 1 else value for name, value in p.items()}
    xs, hs, cs, act, ps = {}, {-1: np.zeros((H, 1), dtype)}, {-1: np.zeros((H, 1), dtype)}, {}, {}
    for t, token in enumerate(inputs):
        xs[t] = np.zeros((V, 1), dtype)
        xs[t][token] = 1
        act[t] = {
            k: squash[k](
                np.dot(column[f"W_x{k}"], xs[t]) + np.dot(column[f"W_h{k}"], hs[t - 1]) + column[f"b_{k}"]
            )
            for k in gates
        }
        cs[t] = act[t]["f"] * cs[t - 1] + act[t]["i"] * act[t]["g"]
        hs[t] = act[t]["o"] * np.tanh(cs[t])
        y = np.dot(column["W_hy"], hs[t]) + column["b_y"]
        ps[t] = np.exp(y) / np.sum(np.exp(y))
    grad = {name: np.zeros_like(value) for name, value in column.items()}
    dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grad["W_hy"] += np.dot(dy, hs[t].T)
        grad["b_y"] += dy
        dh = np.dot(column["W_hy"].T, dy) + dh_next
        a, tanh_c = act[t], np.tanh(cs[t])
        dc = dh * a["o"] * (1 - tanh_c * tanh_c) + dc_next
        d = {"o": dh * tanh_c, "i": dc * a["g"], "g": dc * a["i"], "f": dc * cs[t - 1]}
        dh_next = np.zeros_like(hs[0])
        for k in gates:
            slope = 1 - a[k] * a[k] if k == "g" else a[k] * (1 - a[k])
            da = d[k] * slope
            grad[f"b_{k}"] += da
            grad[f"W_x{k}"] += np.dot(da, xs[t].T)
            grad[f"W_h{k}"] += np.dot(da, hs[t - 1].T)
            dh_next += np.dot(column[f"W_h{k}"].T, da)
        dc_next = dc * a["f"]
    return grad


def gru(p: Mapping[str, Floats], inputs: Sequence[int], targets: Sequence[int]) -> dict[str, Floats]:
    """A GRU with the reset gate after the product, the gates' weights apart, as the bundled text has them."""
    V, H = p["W_xu"].shape[1], p["W_hu"].shape[0]
    dtype = p["W_xu"].dtype
    column = {name: value.reshape(-1, 1) if value.ndim == 1 else value for name, value in p.items()}
    xs, hs, us, rs, ns, ms, ps = {}, {-1: np.zeros((H, 1), dtype)}, {}, {}, {}, {}, {}
    for t, token in enumerate(inputs):
        xs[t] = np.zeros((V, 1), dtype)
        xs[t][token] = 1
        before = hs[t - 1]
        us[t] = _sigmoid(np.dot(column["W_xu"], xs[t]) + np.dot(column["W_hu"], before) + column["b_u"])
        rs[t] = _sigmoid(np.dot(column["W_xr"], xs[t]) + np.dot(column["W_hr"], before) + column["b_r"])
        ms[t] = np.dot(column["W_hn"], before) + column["b_hn"]
        ns[t] = np.tanh(np.dot(column["W_xn"], xs[t]) + column["b_xn"] + rs[t] * ms[t])
        hs[t] = us[t] * before + (1 - us[t]) * ns[t]
        y = np.dot(column["W_hy"], hs[t]) + column["b_y"]
        ps[t] = np.exp(y) / np.sum(np.exp(y))
    grad = {name: np.zeros_like(value) for name, value in column.items()}
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grad["W_hy"] += np.dot(dy, hs[t].T)
        grad["b_y"] += dy
        dh = np.dot(column["W_hy"].T, dy) + dh_next
        dn = dh * (1 - us[t]) * (1 - ns[t] * ns[t])
        du = dh * (hs[t - 1] - ns[t]) * us[t] * (1 - us[t])
        dr = dn * ms[t] * rs[t] * (1 - rs[t])
        dh_next = dh * us[t]
        for gate, from_x, from_h in (("u", du, du), ("r", dr, dr), ("n", dn, dn * rs[t])):
            grad[f"W_x{gate}"] += np.dot(from_x, xs[t].T)
            grad[f"W_h{gate}"] += np.dot(from_h, hs[t - 1].T)
            dh_next += np.dot(column[f"W_h{gate}"].T, from_h)
        grad["b_u"] += du
        grad["b_r"] += dr
        grad["b_xn"] += dn
        grad["b_hn"] += dn * rs[t]
    return grad
