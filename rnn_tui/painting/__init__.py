"""Frames on the wire: only the cells that changed, and no faster than the terminal draws them."""
