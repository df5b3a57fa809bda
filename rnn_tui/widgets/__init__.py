"""Widgets: what panes and screens are made of."""
