"""Panes: each shows one part of a snapshot."""
