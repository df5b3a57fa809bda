"""`python -m benchmarks engine|views|growth|screen [--json] [--svg FILE] [--quick] [--fifty]`."""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", choices=("engine", "views", "growth", "screen"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--svg", metavar="FILE", help="growth: draw it, too")
    parser.add_argument("--quick", action="store_true", help="screen: one size, true colour, fewer rounds")
    parser.add_argument("--fifty", action="store_true", help="screen: fifty sessions started together, alone")
    arguments = parser.parse_args()
    from benchmarks import engine, growth, screen, views

    if arguments.what == "growth":
        return growth.main(arguments.json, arguments.svg)
    if arguments.what == "screen":
        return screen.main(arguments.json, quick=arguments.quick, together=arguments.fifty)
    return {"engine": engine.main, "views": views.main}[arguments.what](arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
