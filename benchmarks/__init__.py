"""Measurements as ratios: ours against a rival in the same run. `python -m benchmarks engine|views|growth`."""
