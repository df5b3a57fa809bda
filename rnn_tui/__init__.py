"""rnn-tui: a time-travel step debugger for recurrences, in the terminal."""
