"""`python -m benchmarks engine|views|growth [--json] [--svg FILE]`."""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", choices=("engine", "views", "growth"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--svg", metavar="FILE", help="growth: draw it, too")
    arguments = parser.parse_args()
    from benchmarks import engine, growth, views

    if arguments.what == "growth":
        return growth.main(arguments.json, arguments.svg)
    return {"engine": engine.main, "views": views.main}[arguments.what](arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
