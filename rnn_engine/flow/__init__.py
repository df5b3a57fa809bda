"""Where the gradient goes, and where it dies: itemised by loss, hop by hop, and how far back anything is left.

    flow = itemise(iteration)     # what each loss sends to each time step, and by which hops
    far = horizon(iteration)      # how much of the last state depends on what was carried

A text may read a state at any other time step (`h[t-1]`, `h[t-3]`, `g[t+1]`). Each such read is a way for the
gradient from the reader's time step to the one read. So between time steps it runs along a graph without circles,
and a hop is one edge of it: from a time step to another, with all ways that lead there.
"""

from rnn_engine.flow.crossings import Crossing
from rnn_engine.flow.hops import End, Hop, Origin, Route
from rnn_engine.flow.horizon import LEFT, Horizon, horizon, horizons
from rnn_engine.flow.itemised import Flow, itemise
from rnn_engine.flow.lanes import steps_of
from rnn_engine.flow.unknown import Unknown

__all__ = [
    "LEFT",
    "Crossing",
    "End",
    "Flow",
    "Hop",
    "Horizon",
    "Origin",
    "Route",
    "Unknown",
    "horizon",
    "horizons",
    "itemise",
    "steps_of",
]
