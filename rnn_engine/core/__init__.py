"""The core: equations, their plan, the two passes, the steps. Knows no vocabulary, file or optimiser."""
