"""The command line: arguments, exit codes, and one line for whatever went wrong.

Neither Textual nor NumPy is imported before a command needs it, so that `--help` and a mistyped word
answer at once. Data goes to stdout, talk to stderr.

    0  fine      1  failed      2  bad usage or bad file      130  interrupted
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rnn_tui.settings import SettingError, Value
from rnn_tui.usage import COMMANDS, UsageError, bare

if TYPE_CHECKING:
    import argparse

    from rnn_tui.commands import Keys
    from rnn_tui.controller import Controller
    from rnn_tui.protocols import Opening

FINE, FAILED, BAD, INTERRUPTED = 0, 1, 2, 130

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give back its exit code; nothing that a user can cause ends in a traceback."""
    for name in THREADS:  # before NumPy is imported: fifty people on one host get one thread each
        os.environ.setdefault(name, "1")
    if sys.stdout is None:  # `>&-`
        return complain("there is no output to write to", FAILED)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a ∂ in a terminal that has none is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough. What is buffered goes nowhere, at exit too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except OSError as error:
        return complain(f"{error.filename or 'output'}: {error.strerror or error}", FAILED)


def run(argv: Sequence[str]) -> int:
    """Parse and run, turning each refusal into one line and its exit code."""
    args = None
    if not bare(argv):
        from rnn_tui.arguments import parse

        try:
            args = parse(argv)
        except SystemExit as stop:  # --help and --version have printed
            return int(stop.code or FINE)
        except UsageError as error:
            return complain(str(error), BAD)

    from rnn_engine.errors import EngineError

    try:
        return open_screen(argv[0] if argv else None) if args is None else dispatch(args)
    except (EngineError, SettingError, UsageError) as error:
        return complain(str(error), BAD)


def dispatch(args: argparse.Namespace) -> int:
    """Run the command that was asked for."""
    if args.command == "open":
        from rnn_tui.options import flags_of

        return open_screen(args.session, flags_of(args), no_config=args.no_config)
    if args.command == "list":
        from rnn_tui.headless.listing import listing

        return listing(as_json=args.json)
    if args.command == "trace":
        from rnn_tui.headless.trace import trace

        start, end = range_of(args)
        return trace(args.session, start, end, names_of(args.names), as_json=args.json)
    if args.command == "narrate":
        from rnn_tui.headless.narrate import narrate

        start, end = range_of(args)
        return narrate(args.session, start, end, names_of(args.names), args.sequence)
    if args.command == "why":
        from rnn_tui.headless.why import explain

        return explain(args.session, args.address, args.cell, args.sequence, as_json=args.json)
    if args.command == "flow":
        from rnn_tui.headless.flow import show_flow

        return show_flow(args.session, args.iteration, args.sequence - 1, as_json=args.json)
    if args.command == "horizon":
        from rnn_tui.headless.flow import show_horizon

        return show_horizon(args.session, args.iteration, args.sequence - 1, args.at_least)
    if args.command == "predict":
        from rnn_tui.headless.predict import judged

        return judged(args.session, args.answers, args.sequence)
    if args.command == "export":
        return export(args)
    if args.command == "edits":
        from rnn_tui.headless.edits import edits

        return edits(args.session, args.changes, args.output, force=args.force, as_json=args.json)
    if args.command == "check":
        from rnn_tui.headless.check import check

        return check(args.sessions)
    if args.command == "config":
        return config(args)
    if args.command == "diagnose":
        from rnn_tui.headless.report import diagnose

        return diagnose(args, os.environ)
    if args.command == "completion":
        from rnn_tui.arguments import parser
        from rnn_tui.completion import completion

        print(completion(args.shell, parser()), end="")
        return FINE
    from rnn_tui.headless.new import new

    return new(
        cell=args.cell, hidden=args.hidden, text=args.text, csv=args.csv, json=args.json, level=args.level,
        output=args.output, seed=args.seed, init=args.init, forget_bias=args.forget_bias, dtype=args.dtype,
        force=args.force,
    )  # fmt: skip


def export(args: argparse.Namespace) -> int:
    """Write a picture or a document."""
    from rnn_engine.errors import EngineError
    from rnn_tui.export.files import format_of
    from rnn_tui.export.formats import DOCUMENTS, parse_size
    from rnn_tui.terminal import TerminalSettings, prepare

    kind = format_of(args.output, args.format)
    start, end = range_of(args)
    if kind in DOCUMENTS:
        from rnn_tui.headless.export import export_steps

        names = names_of(args.names)
        return export_steps(
            args.session, args.output, kind, start, end, names, args.sequence, force=args.force
        )
    if args.start is not None or args.end is not None or args.names is not None:
        raise EngineError(
            "--from, --to and --names choose steps for .md and .csv; a picture shows one step: --at"
        )
    if args.output == "-" and kind == "png" and sys.stdout.isatty():
        raise EngineError("a PNG means nothing to a terminal; -o FILE.png writes it to a file")
    size = parse_size(args.size)
    if size is None:
        raise EngineError(
            f"--size {args.size}: expected columns and rows from 60x20 to 400x200, such as 120x40"
        )
    controller = open_session(args.session)
    os.environ.pop("NO_COLOR", None)  # it speaks of terminals; a picture's colours are --theme's
    theme = "plain" if kind == "txt" else args.theme  # text has no colours: heat maps say it by glyphs then
    settings = TerminalSettings(theme=theme, unicode=not args.ascii)
    prepare(settings, os.environ)

    from rnn_tui.export.png import NoPicture
    from rnn_tui.pictures import Shot, export_picture

    shot = Shot(args.at, args.sequence, size, settings, args.pane or "", args.panel or "")
    try:
        export_picture(controller, shot, args.output, kind, force=args.force)
    except NoPicture as error:
        return complain(str(error), FAILED)
    return FINE


def range_of(args: argparse.Namespace) -> tuple[str | None, str | None]:
    """The first and the last address that are asked for: `--at` is both."""
    if args.at is not None and (args.start is not None or args.end is not None):
        raise UsageError(f"--at {args.at}: not together with --from or --to; expected a step, or a range")
    return (args.at, args.at) if args.at is not None else (args.start, args.end)


def names_of(names: str | None) -> list[str] | None:
    """`h,loss` as a list; None where nothing is asked for. Raises `UsageError` where no name is in it."""
    if names is None:
        return None
    found = [name for name in map(str.strip, names.split(",")) if name]
    if not found:
        raise UsageError(f"--names {names!r}: no name; expected names of equations, such as h,loss")
    return found


def open_screen(
    session: str | None, flags: Mapping[str, Value | None] | None = None, *, no_config: bool = False
) -> int:
    """Open the screen on a session, or on the list.

    Whether there is such a session comes before the terminal; its title is then on the screen while NumPy and the
    engine are being loaded, and whether its equations, shapes and data fit is found out behind it.
    """
    gc.disable()  # until the first frame: loading modules makes no garbage, and looking for it takes its time
    from rnn_tui import terminal
    from rnn_tui.choices import chosen, settings_of
    from rnn_tui.commands import shown_keys
    from rnn_tui.lessons import lessons

    config, wished = chosen(flags or {}, os.environ, no_config=no_config)
    keys = shown_keys(config.commands)
    first = None if session is None else opening(session, keys)
    settings = terminal.detect(
        os.environ, tty=terminal.is_terminal(), encoding=terminal.encoding(), wishes=wished
    )
    if settings.refusal:
        if first is not None:  # what is wrong with the session is said before what is wrong with the terminal
            first.open()
        return complain(settings.refusal, BAD)
    terminal.prepare(settings, os.environ)  # before Textual is imported, which reads it then

    from rnn_tui.app import RnnTuiApp
    from rnn_tui.memory import Keeper, state_file
    from rnn_tui.signals import HANG_UP

    values = settings_of(settings, wished)
    app = RnnTuiApp(
        None,
        lessons(),
        open_session=partial(open_session, keys=keys),
        terminal=settings,
        keeper=Keeper(state_file()),
        commands=config.commands,
        layout=str(values["layout"].value),
        precision=int(values["precision"].value),
        opening=first,
    )
    try:
        app.run(mouse=settings.mouse)
    except BaseException:
        app.keep()
        raise
    if app.return_code:  # a signal, or a crash
        app.keep()
    if app.lost and app.return_code != HANG_UP:
        complain(
            "what was not saved is lost: the folder for it cannot be written (`rnn-tui diagnose` names it)",
            FAILED,
        )
    if app.kept is not None and app.return_code != HANG_UP:
        complain(f"what was not saved is kept; `rnn-tui {app.kept}` opens it", FAILED)
    return complain(app.refusal, BAD) if app.refusal else app.return_code or FINE


def config(args: argparse.Namespace) -> int:
    """Say where the config file is, what is set, or what could be."""
    from rnn_tui.configfile import config_path, example
    from rnn_tui.headless.report import show_config

    if args.example:
        print(example(), end="")
    elif args.what == "path":
        print(config_path())
    else:
        show_config(args, os.environ)
    return FINE


def opening(name_or_path: str, keys: Keys) -> Opening:
    """What there is to see of a session without NumPy. Raises EngineError: no lesson, no file, or no replay in it."""
    from rnn_tui.lessons import bundled, find, first_sentence
    from rnn_tui.protocols import Opening

    lesson = bundled(name_or_path)
    if lesson is not None:  # it is ours: nothing to check, and less to load
        return Opening(lesson.title, lesson.summary, partial(open_session, name_or_path, keys))
    path = find(name_or_path, also=COMMANDS)
    from rnn_engine.replay import load

    replay = load(path)

    def open_replay() -> Controller:
        from rnn_tui.controller import Controller

        return Controller.open(str(path), replay, keys)

    return Opening(replay.title, first_sentence(replay.notes), open_replay)


def open_session(name_or_path: str, keys: Keys | None = None) -> Controller:
    """A lesson by its name, or a file by its path; `keys` are those to speak of. Raises EngineError."""
    from rnn_tui.lessons import find

    path = find(name_or_path, also=COMMANDS)
    from rnn_tui.commands import KEYS
    from rnn_tui.controller import Controller  # after the name is known to be right: it brings NumPy

    return Controller.open(str(path), keys=keys or KEYS)


def complain(what: str, code: int) -> int:
    """Say what went wrong, in one line, and give back `code`."""
    from rnn_tui.text import safe_text

    with contextlib.suppress(OSError):  # nobody there to hear it
        print(f"rnn-tui: {safe_text(what)}", file=sys.stderr)
    return code
