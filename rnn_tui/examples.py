"""The examples that the help of each command begins with."""

from __future__ import annotations

from collections.abc import Mapping

PROGRAM = """\
examples:
  rnn-tui                                       choose a lesson
  rnn-tui hi-there-class-bptt                   open a lesson
  rnn-tui my.json --theme light                 open a session of your own
  rnn-tui trace hello --from 60:generate        the last phase, one step a line
  rnn-tui trace my.json --names h,loss --json   all h and loss, as JSON lines
  rnn-tui new --cell gru --hidden 8 --text poem.txt -o poem.json
"""

COMMANDS: Mapping[str, str] = {
    "open": """\
  rnn-tui open hello                    a lesson
  rnn-tui my.json --theme light         a session of your own, on a light ground
  rnn-tui hello --ascii --no-mouse      for a poor terminal
  rnn-tui hello --fps 10 --colours 256  for a slow line
  rnn-tui --theme ?                     which themes there are
""",
    "trace": """\
  rnn-tui trace hello                                     the whole run, one step a line
  rnn-tui trace hello --from 1:backward --to 1:update     the way back and the update of iteration 1
  rnn-tui trace my.json --names h,loss --json             two equations, as JSON lines
  rnn-tui trace hello --from 60:generate                  the last phase
""",
    "narrate": """\
  rnn-tui narrate hello                  the whole run, one sentence a step
  rnn-tui narrate hello --to 1:forward   the first forward phase
""",
    "why": """\
  rnn-tui why hello 2:backward:2:h 'dh[1]'    the gradient that arrives at h[1]
  rnn-tui why hello 1:forward:3:h 'h[0]' --json
""",
    "flow": """\
  rnn-tui flow vanishing                 what each loss sends to each time step
  rnn-tui flow hello --iteration 20      later in the training
""",
    "horizon": """\
  rnn-tui horizon vanishing              after how many steps the gradient is gone
  rnn-tui horizon my.json --at-least 19  as a check: exits with 1 where it is shorter
""",
    "export": """\
  rnn-tui export hello --at 1:backward:3:h -o step.svg
  rnn-tui export hello --at 1:backward:3:h --pane gradients -o gradients.png
  rnn-tui export vanishing --panel flow --theme light -o flow.svg
  rnn-tui export hello --from 1:backward --to 1:update -o homework.md
  rnn-tui export hello --names loss -o - --format csv --from 1 --to 20
""",
    "check": """\
  rnn-tui check my.json                  valid? do the gradients agree with central differences?
  rnn-tui check *.json                   each of them
""",
    "new": """\
  rnn-tui new --cell lstm --hidden 8 --text poem.txt -o poem.json
  rnn-tui new --cell gru --hidden 4 --csv series.csv -o series.json
  rnn-tui new --cell rnn --hidden 8 --text poem.txt --level words -o words.json
""",
    "config": """\
  rnn-tui config                         what is set, and by whom
  rnn-tui config path                    where the file is
  rnn-tui config --example               a file with every setting and every key in it, as comments
  rnn-tui config --no-mouse              what a flag would change
""",
    "diagnose": """\
  rnn-tui diagnose                       for a bug report
  rnn-tui diagnose --json                the same for a program
  rnn-tui diagnose --theme light         with a flag of yours
""",
    "completion": """\
  rnn-tui completion bash > ~/.local/share/bash-completion/completions/rnn-tui
  rnn-tui completion zsh > ~/.zfunc/_rnn-tui     (a folder of your $fpath)
  rnn-tui completion fish > ~/.config/fish/completions/rnn-tui.fish
""",
}
