"""Screens: the debugger, the list of lessons, help and the small dialogs."""
