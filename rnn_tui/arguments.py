"""The grammar of the command line: every command, its options, and what is said of words that mean nothing.

Completion, the manual page and `--help` come from it, so it imports neither NumPy nor Textual.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from rnn_tui import examples
from rnn_tui.export.formats import ALONE, FORMATS, PANELS
from rnn_tui.options import add_settings
from rnn_tui.settings import THEMES, near
from rnn_tui.usage import COMMANDS, UsageError

EXAMPLES = examples.PROGRAM

ADDRESSES = """\
An address is iteration:phase:t:equation, as in 12:backward:3:h; a part of one, as in 200:update,
stands for all it matches."""

PICTURE_THEMES = tuple(theme for theme in THEMES if theme != "terminal")
"""A picture has no terminal whose own colours it could have."""


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (`{self.prog} --help` shows the usage)")


class Help(argparse.RawDescriptionHelpFormatter):
    """Help with the examples before the arguments, since they are read first."""


class Version(argparse.Action):
    """`--version`, which looks the versions up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from rnn_tui.headless.report import version_line

        print(version_line())
        parser.exit()


A_SESSION = "the name of a lesson, or a file"


class Entry(NamedTuple):
    """What a command is called in the list of them, what its help begins with, and what it takes."""

    fill: Callable[[argparse.ArgumentParser], None]
    summary: str
    description: str = ""
    """Of several sentences; without one, the summary is it."""


def _open(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", nargs="?", metavar="SESSION", help=A_SESSION)
    add_settings(p)


def _list(p: argparse.ArgumentParser) -> None:
    p.add_argument("--json", action="store_true", help="one array of objects")


def _trace(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    add_steps(p)
    p.add_argument("--json", action="store_true", help="one object a line, every number in full")


def _narrate(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    add_steps(p)
    add_sequence(p)


def _why(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    p.add_argument("address", metavar="ADDRESS", help="where it is seen from, such as 1:backward:3:h")
    p.add_argument("cell", metavar="CELL", help="such as h[3][0], dh[0], W_hh[0,1]")
    add_sequence(p)
    p.add_argument("--json", action="store_true", help="one object")


def _flow(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    add_iteration(p)
    add_sequence(p)
    p.add_argument("--json", action="store_true", help="one object, with the hops of the last loss")


def _horizon(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    add_iteration(p)
    add_sequence(p)
    p.add_argument(
        "--at-least", type=int, metavar="N", help="exit with 1 where it is shorter, or cannot be told"
    )


def _predict(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    p.add_argument("answers", metavar="ANSWERS.csv", help="such as P saves in predict mode")
    add_sequence(p)


def _edits(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    p.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="EDIT", help="one JSON object"
    )
    p.add_argument("-o", "--output", metavar="FILE", help="the session to write")
    p.add_argument("--force", action="store_true", help="replace the file if it is there")
    p.add_argument("--json", action="store_true", help="one array of edits, as a file has it")


def _export(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", metavar="SESSION", help=A_SESSION)
    p.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="the file to write; - is the standard output"
    )
    p.add_argument("--format", choices=FORMATS, help="where the suffix does not say it")
    add_steps(p, "md, csv: ")
    add_sequence(p)
    p.add_argument("--panel", choices=PANELS, help="pictures: with this explanation open")
    p.add_argument("--pane", choices=ALONE, metavar="NAME", help=f"pictures: this alone: {', '.join(ALONE)}")
    p.add_argument("--size", default="120x40", metavar="WxH", help="pictures: columns and rows (120x40)")
    p.add_argument(
        "--theme",
        choices=PICTURE_THEMES,
        default="dark",
        help="pictures: dark, light, or plain for print (dark)",
    )
    p.add_argument("--ascii", action="store_true", help="pictures: in ASCII alone")
    p.add_argument("--force", action="store_true", help="replace the file if it is there")


def _check(p: argparse.ArgumentParser) -> None:
    p.add_argument("sessions", nargs="+", metavar="SESSION", help=A_SESSION)


def _new(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--cell", required=True, metavar="CELL", help="rnn, lstm, gru, or another text of rnn_engine/cells"
    )
    p.add_argument("--hidden", required=True, type=int, metavar="N", help="units of the hidden state")
    data = p.add_mutually_exclusive_group(required=True)
    data.add_argument("--text", metavar="FILE", help="UTF-8 text")
    data.add_argument(
        "--csv", metavar="FILE", help="numbers, a row per time step; a first line of names is skipped"
    )
    data.add_argument(
        "--json",
        metavar="FILE",
        help="a list of tokens, numbers or vectors, or an object with inputs and targets as in a session",
    )
    p.add_argument("-o", "--output", required=True, metavar="FILE", help="the session to write")
    p.add_argument(
        "--level", choices=("characters", "words"), default="characters", help="tokens of the text"
    )
    p.add_argument(
        "--init",
        choices=("normal", "xavier", "orthogonal", "identity", "zeros"),
        help="the first weights: orthogonal or identity in recurrent matrices alone (orthogonal; for rnn-relu identity,"
        " for output-feedback xavier)",
    )
    p.add_argument("--forget-bias", type=float, metavar="B", help="of an LSTM's forget gate, often 1 (0)")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="of the first weights (0)")
    p.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="of every number (float64)"
    )
    p.add_argument("--force", action="store_true", help="replace the file if it is there")


def _config(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "what", nargs="?", choices=("show", "path"), default="show", help="all of it, or where the file is"
    )
    p.add_argument(
        "--example", action="store_true", help="print a file with every setting in it, as comments"
    )
    add_settings(p)


def _diagnose(p: argparse.ArgumentParser) -> None:
    p.add_argument("--json", action="store_true", help="one object")
    add_settings(p)


def _completion(p: argparse.ArgumentParser) -> None:
    p.add_argument("shell", choices=("bash", "zsh", "fish"))


def add_steps(command: argparse.ArgumentParser, only: str = "") -> None:
    command.add_argument("--at", metavar="ADDRESS", help="this step, or all that match")
    command.add_argument("--from", dest="start", metavar="A", help=f"{only}the first address, inclusive")
    command.add_argument("--to", dest="end", metavar="B", help=f"{only}the last address, inclusive")
    command.add_argument("--names", metavar="N,…", help=f"{only}only the steps of these equations")


def add_iteration(command: argparse.ArgumentParser) -> None:
    command.add_argument("--iteration", type=int, default=1, metavar="I", help="of which iteration (1)")


def add_sequence(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sequence", type=int, default=1, metavar="S", help="which sequence of a batch (1)")


GRAMMAR: Mapping[str, Entry] = {
    "open": Entry(
        _open,
        "open a lesson or a file on the screen",
        "Open a lesson or a file on the screen; without one, the list of lessons. The word `open` may be\n"
        "left out, unless the file is called like a command.",
    ),
    "list": Entry(
        _list,
        "list the lessons",
    ),
    "trace": Entry(
        _trace,
        "print the steps of a session, one a line",
        f"Print the steps of a session, one a line.\n\n{ADDRESSES}",
    ),
    "narrate": Entry(
        _narrate,
        "print one plain sentence a step",
        f"Print one plain sentence a step, with the notes of the marks.\n\n{ADDRESSES}",
    ),
    "why": Entry(
        _why,
        "why does a number have its value? its terms, ranked",
        "Print the terms of one number, the largest first, each with its share and the step it comes from.\n\n"
        "A cell is a name, its time step and its element, as they are printed: h[3][0], ∂z[4][class] (or dz[4][2]),\n"
        "loss[2], x[1], W_xh[0,there]. Without a time step it is that of the address: h[0]; one before is h[t-1][0].\n"
        "At an address on the way back, the gradient of a parameter is the sum so far.",
    ),
    "flow": Entry(
        _flow,
        "what the loss of every time step sends to every other",
    ),
    "horizon": Entry(
        _horizon,
        "after how many steps is the gradient gone, and where does it die?",
        "Print after how many steps less than 1 % of the last state's gradient is left, and the hop up to there that\n"
        "loses most with its factor: in one line, or one for each direction where states are carried both ways.",
    ),
    "predict": Entry(
        _predict,
        "judge answers: are these numbers right?",
        "Judge the answers in a CSV file with the columns address, cell and given, as predict mode does: right is\n"
        "within 1 %, or within 0.005 and 5 % of the value; + or - stands for the sign alone, and 0 is 0; 2x4, [4] or\n"
        "scalar is the shape. Prints the record with the correct values, and exits with 1 where an answer is wrong.",
    ),
    "edits": Entry(
        _edits,
        "what is set by hand; and a session with more of it",
        "List what a session has set by hand. With --set set a number, with -o write the session so changed:\n"
        'rnn-tui edits hello --set \'{"address": "3:forward:2:h", "index": [0], "value": 0.5}\' -o what-if.json\n\n'
        "An edit is written as in a file (docs/replay-format.md); one of the same number takes its place.",
    ),
    "export": Entry(
        _export,
        "write a picture of the screen, or steps as a document",
        "Write what the screen shows at a step as a picture (svg, png, txt, ansi), or steps as a document: md, what\n"
        "each computes in symbols and in numbers, or csv, a row for each number. The suffix of the file says which.\n\n"
        f"{ADDRESSES} A picture shows the first of them. Without an address it is the step at\n"
        "which the session opens.",
    ),
    "check": Entry(
        _check,
        "check files: valid? shapes? gradients?",
        "Check that each file is valid and, where it has a loss, that its gradients agree with central\n"
        "differences. Exits with 1 where they do not, with 2 where a file is not valid.",
    ),
    "new": Entry(
        _new,
        "start a session from your own data",
        "Write a session that trains a cell to predict what comes next in your data: the next token of a\n"
        "text, the next row of a table, the next item of a list. Weights are written into the file as values:\n"
        "change what you like.",
    ),
    "config": Entry(
        _config,
        "what is set, and by whom; an example of a config file",
    ),
    "diagnose": Entry(
        _diagnose,
        "what was found out about this terminal, for a bug report",
    ),
    "completion": Entry(
        _completion,
        "print what makes a shell complete our names and options",
    ),
}


def parser() -> Parser:
    """The whole grammar."""
    top = Parser(
        prog="rnn-tui",
        usage="rnn-tui [NAME-OR-FILE]\n       rnn-tui COMMAND …",
        description=f"A time-travel step debugger for recurrences, in the terminal.\n\n{EXAMPLES}",
        formatter_class=Help,
        allow_abbrev=False,
    )
    top.add_argument("-V", "--version", action=Version, nargs=0, help="show the versions and leave")
    commands = top.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog="rnn-tui", parser_class=Parser
    )
    for name, entry in GRAMMAR.items():
        entry.fill(
            commands.add_parser(
                name,
                help=entry.summary,
                description=_description(name),
                formatter_class=Help,
                allow_abbrev=False,
            )
        )
    return top


def command_parser(name: str) -> Parser:
    """The grammar of one command."""
    one = Parser(
        prog=f"rnn-tui {name}", description=_description(name), formatter_class=Help, allow_abbrev=False
    )
    GRAMMAR[name].fill(one)
    return one


def _description(name: str) -> str:
    _, summary, description = GRAMMAR[name]
    text = description or summary[0].upper() + summary[1:] + ("" if summary.endswith("?") else ".")
    return f"{text}\n\nexamples:\n{examples.COMMANDS[name]}" if name in examples.COMMANDS else text


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse. A first word that is neither a command nor an option of ours is something to open."""
    name, *rest = argv or ("open",)
    if name in ("-h", "--help", "-V", "--version"):
        return parser().parse_args(argv)
    if name not in COMMANDS:
        name, rest = "open", list(argv)
    command = command_parser(name)  # the others are not needed: to make all of them takes its time
    args, extra = command.parse_known_args(rest)
    args.command = name
    if extra:
        refuse(command, extra, args)
    return args


def refuse(command: argparse.ArgumentParser, extra: Sequence[str], args: argparse.Namespace) -> NoReturn:
    """Complain of words that mean nothing, with the nearest that would."""
    hint = ""
    if extra[0].startswith("-"):
        options = [option for action in command._actions for option in action.option_strings]
        hint = near(
            extra[0].partition("=")[0], [option for option in options if option.startswith("--")], "--"
        )
    elif args.command == "open":
        hint = near(args.session, COMMANDS)
    command.error(f"unrecognized arguments: {' '.join(extra)}{hint}")
