"""How the losses of a window become one objective."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import PRODUCT, Array, Text

Reduce = Literal["sum", "mean"]


class Reduction(NamedTuple):
    """How the losses of a window become one objective: over the batch first, then over time."""

    time: Reduce = "sum"
    batch: Reduce = "mean"

    def weights(self, missing: NDArray[np.bool_] | None, T: int, B: int) -> NDArray[np.float64]:
        """`[T, B]`: the weight of each loss in the objective; 0 where a target is missing."""
        weights = np.ones((T, B)) if missing is None else np.where(missing, 0.0, 1.0)
        if self.batch == "mean":
            weights /= B
        if self.time == "mean":
            weights /= max(1, int(np.count_nonzero(weights.any(axis=1))))
        return weights

    def text(self, missing: NDArray[np.bool_] | None, T: int, B: int) -> Text:
        """A weight of `weights` as a formula, where the target is not missing: `1 / 2 / 5`."""
        weights = self.weights(missing, T, B)
        divisors = [B] if self.batch == "mean" and B > 1 else []
        if self.time == "mean":
            divisors.append(max(1, int(np.count_nonzero(weights.any(axis=1)))))
        return Text(" / ".join(map(str, [1, *divisors])), PRODUCT)

    def totals(self, values: Array, missing: NDArray[np.bool_] | None) -> dict[str, float]:
        """Sum and mean over time of a scalar `[T, B]`, after the batch reduction."""
        weights = (
            Reduction("sum", self.batch).weights(missing, *values.shape).astype(values.dtype, copy=False)
        )
        steps = int(np.count_nonzero(weights.any(axis=1)))
        with np.errstate(all="ignore"):
            per_step = (np.where(weights == 0.0, weights, values) * weights).sum(axis=1)
            total = float(np.add.accumulate(per_step)[-1]) + 0.0  # in the order of time, as a person adds up
            mean = float(values.dtype.type(total / steps)) if steps else 0.0
        return {"sum": total, "mean": mean}
