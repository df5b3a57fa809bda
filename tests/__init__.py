"""The tests; a package, so that `tests.reference` (the oracle) has one name."""
