"""The one table of commands: bindings, palette, footer, help and docs/keys.md are made from it.

Time moves with the arrows, cells with h j k l; a capital letter is the same thing backward. O, P and X write a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rnn_tui.keynames import printed

Keys = Mapping[str, str]
"""The first key of each command, as a person would write it, by the command's id.

Sentences name commands by their ids in braces, `{undo} undoes it`, and `format_map` puts in the keys as they are bound.
"""


class Command(NamedTuple):
    """Something a person can ask for."""

    id: str
    keys: tuple[str, ...]
    """Names of keys as Textual spells them."""
    action: str
    """The screen's action, with its arguments."""
    label: str
    """Two words at most, for the footer and the palette."""
    help: str
    group: str
    reverse: str = ""
    """The id of the command that undoes this motion."""
    counted: bool = False
    """Digits typed before it say how often."""
    footer: int = 0
    """0: not in the footer; else the smaller, the longer it stays when room gets short."""
    where: tuple[str, ...] = ()
    """The views of `VIEWS` in which it holds, and goes before what the key does elsewhere; empty: everywhere."""
    waits: bool = False
    """Whether it needs what the keys before it have asked for, and later keys need it."""

    @property
    def shown_keys(self) -> str:
        """The keys as a person would write them."""
        return " ".join(shown_key(key) for key in self.keys)


SHOWN = {
    "right": "→", "left": "←", "down": "↓", "up": "↑", "home": "Home", "end": "End", "space": "space",
    "plus": "+", "minus": "-", "tab": "Tab", "shift+tab": "Shift-Tab", "apostrophe": "'", "colon": ":",
    "question_mark": "?", "ctrl+c": "Ctrl-C", "ctrl+z": "Ctrl-Z", "enter": "Enter", "escape": "Esc",
    "backspace": "Backspace", "full_stop": ".", "equals_sign": "=", "slash": "/",
    "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip
"""Textual's names of keys → what is printed on them."""

GROUPS = (
    "time", "marks", "panes and cells", "explanations", "what if", "session", "in a panel", "predict mode",
    "arranging panes",
)  # fmt: skip

VIEWS = ("why", "flow", "hops", "full", "predict", "arrange")
"""Where keys have a meaning of their own: the panels, a question of predict mode, and arranging."""


def shown_key(key: str) -> str:
    """A key as a person would write it."""
    return SHOWN.get(key) or printed(key)


def _motion(
    id: str, keys: str, label: str, help: str, group: str = "time", reverse: str = "", footer: int = 0
) -> Command:
    """A counted motion and its name: the controller's own word for it."""
    return Command(id, tuple(keys.split()), f"motion('{id}')", label, help, group, reverse, True, footer)


def _in_view(
    id: str,
    keys: str,
    label: str,
    help: str,
    where: str,
    footer: int = 0,
    reverse: str = "",
    group: str = "in a panel",
) -> Command:
    """What a key does while a view is open; the view knows it by its id."""
    return Command(
        id,
        tuple(keys.split()),
        f"view('{id}')",
        label,
        help,
        group,
        reverse,
        True,
        footer,
        tuple(where.split()),
        True,
    )


_TABLE: tuple[Command, ...] = (
    _motion("step", "right", "step", "the next step: one equation", reverse="step_back", footer=2),
    _motion("step_back", "left", "back", "the step before", reverse="step", footer=3),
    _motion(
        "time", "down n", "time", "the same equation at the next time step of this phase",
        reverse="time_back", footer=5,
    ),
    _motion("time_back", "up N", "time back", "the same equation one time step earlier", reverse="time"),
    _motion("phase", "f", "phase", "the next phase: forward, backward, update", reverse="phase_back", footer=4),
    _motion("phase_back", "F", "phase back", "the phase before", reverse="phase"),
    _motion("iteration", "i", "iteration", "the next iteration", reverse="iteration_back", footer=11),
    _motion("iteration_back", "I", "iteration back", "the iteration before", reverse="iteration"),
    _motion(
        "into", "s", "into", "into the equation: the next of its sub-expressions", reverse="into_back", footer=8,
    ),
    _motion("into_back", "S", "into, back", "the sub-expression before", reverse="into"),
    _motion("home", "home", "first step", "the first step of the run", reverse="end"),
    _motion("end", "end", "last step", "the last step of the run", reverse="home"),
    Command(
        "go", ("g",), "go_to", "go to",
        "go to a time step (3), an index (#120), an address (12:backward:3:h), a share (50%) or the end",
        "time", footer=10,
    ),
    Command(
        "search", ("slash",), "search", "search",
        "find an equation, a parameter, a token, a phase, a mark or an address, and go there", "time", footer=12,
    ),
    Command("play", ("space",), "play", "play", "play, and pause again", "time", footer=6),
    Command("faster", ("plus",), "speed(1)", "faster", "play faster", "time", "slower"),
    Command("slower", ("minus",), "speed(-1)", "slower", "play slower", "time", "faster"),
    _motion("sequence", "r", "sequence", "show the next sequence of the batch", reverse="sequence_back"),
    _motion("sequence_back", "R", "sequence back", "show the sequence before", reverse="sequence"),
    Command(
        "count", tuple("1234567890"), "digit", "count",
        "digits before a motion say how often: 5{time}, 12 then {step}", "time",
    ),
    Command("stop", ("ctrl+c",), "stop", "stop", "stop a running move or play; it never quits", "time"),
    Command("mark", ("m",), "mark", "mark", "mark this step with a name and a note", "marks", footer=15),
    Command("marks", ("apostrophe",), "marks", "marks", "list the marks, and go to one", "marks", footer=16),
    _motion("mark_next", "a", "next mark", "the next mark", "marks", reverse="mark_back", footer=13),
    _motion("mark_back", "A", "mark back", "the mark before", "marks", reverse="mark_next"),
    Command("left", ("h",), "cell(-1, 0)", "cell left", "the cell to the left", "panes and cells", "right", True),
    Command("below", ("j",), "cell(0, 1)", "cell down", "the cell below", "panes and cells", "above", True),
    Command("above", ("k",), "cell(0, -1)", "cell up", "the cell above", "panes and cells", "below", True),
    Command("right", ("l",), "cell(1, 0)", "cell right", "the cell to the right", "panes and cells", "left", True),
    Command(
        "follow", ("escape",), "follow", "let go",
        "let go of the cell that was picked: the selected number is again what each step writes", "panes and cells",
    ),
    Command("pane", ("tab",), "pane(1)", "pane", "the next pane", "panes and cells", "pane_back", footer=9),
    Command("pane_back", ("shift+tab",), "pane(-1)", "pane back", "the pane before", "panes and cells", "pane"),
    Command("jump", ("v",), "jump", "jump", "then a letter: jump to the pane that shows it", "panes and cells"),
    Command("zoom", ("z",), "zoom", "zoom", "give this pane all the room, and back", "panes and cells", footer=17),
    Command(
        "arrange", ("equals_sign",), "arrange", "arrange", "move the edges between panes, hide panes; it is remembered",
        "panes and cells", footer=19,
    ),
    Command(
        "display", ("d",), "display(1)", "display",
        "show this pane as it fits, as numbers, heat map or both; the output as bars, too",
        "panes and cells", "display_back",
    ),
    Command("display_back", ("D",), "display(-1)", "display back", "the display before", "panes and cells", "display"),
    Command(
        "scale_of", ("y",), "scale(1)", "scale",
        "scale of the colours: per matrix, shared, or fixed at ±1 (5{scale_of}: at ±5)",
        "panes and cells", "scale_back", True,
    ),
    Command("scale_back", ("Y",), "scale(-1)", "scale back", "the scale before", "panes and cells", "scale_of", True),
    Command(
        "why", ("enter",), "why", "why?", "why this number: what the selected cell is made of, the largest term first",
        "explanations", footer=4, waits=True,
    ),
    Command(
        "back_out", ("backspace",), "back_out", "back out", "back to where one was",
        "explanations", waits=True,
    ),
    Command("full", ("x",), "full", "full", "explain this step in full", "explanations", footer=7, waits=True),
    Command(
        "flow", ("t",), "flow", "flow", "gradient flow through time: what each loss sends to each time step",
        "explanations", footer=7, waits=True,
    ),
    Command(
        "predict", ("p",), "predict", "predict", "predict mode: from here on a step asks before it shows its numbers",
        "explanations", footer=8, waits=True,
    ),
    Command(
        "record", ("P",), "record", "save answers", "save the answers of predict mode as CSV", "explanations"
    ),
    Command(
        "edit", ("e",), "edit", "set", "set the selected number by hand; all that comes after follows",
        "what if", footer=12, waits=True,
    ),
    Command("undo", ("u",), "undo", "undo", "take the last edit back", "what if", "redo", waits=True),
    Command("redo", ("U",), "redo", "redo", "make the edit again that was taken back", "what if", "undo", waits=True),
    Command(
        "edits", (), "edits", "edits", "list what is set by hand, and go there; by its name ({palette})", "what if"
    ),
    Command("open", ("o",), "open", "open", "open a lesson or a file", "session", footer=18),
    Command("save", ("O",), "save", "save", "save this session to a file", "session"),
    Command(
        "export", ("X",), "export", "export",
        "write a picture of the screen (.svg .png .txt .ansi) or this step (.md .csv) to a file", "session", waits=True,
    ),
    Command(
        "palette", ("colon",), "app.command_palette", "commands", "find any command by its name",
        "session", footer=1,
    ),
    Command("help", ("question_mark",), "help", "help", "explain the pane that has the focus", "session", footer=1),
    Command("tour", (), "tour", "tour", "a short tour of the keys, or its end", "session"),
    Command(
        "suspend", ("ctrl+z",), "app.suspend_process", "suspend", "to the shell, and back with its fg", "session",
    ),
    Command(
        "quit", ("q",), "leave", "quit", "quit; asks only when a mark, note or edit would be lost",
        "session", footer=1,
    ),
    _in_view("below_in", "down j", "next", "the next term, hop or line", "why hops full", 2, "above_in"),
    _in_view("above_in", "up k", "before", "the one before", "why hops full", 3, "below_in"),
    _in_view("source", "enter", "to its step", "go to the step that made this term", "why", 2),
    _in_view("map_below", "down j", "next", "in the map: the next loss", "flow", 2, "map_above"),
    _in_view("map_above", "up k", "before", "in the map: the loss before", "flow", 2, "map_below"),
    _in_view("map_left", "left h", "earlier", "in the map: one time step earlier", "flow", 3, "map_right"),
    _in_view("map_right", "right l", "later", "in the map: one time step later", "flow", 3, "map_left"),
    _in_view("hops", "enter", "path", "walk the path of this loss, hop by hop", "flow", 2),
    _in_view("scale", "e", "scale", "the sizes in the map linear, or by powers of ten", "flow", 4),
    _in_view("hop", "enter", "to its step", "go to the step where this hop arrives", "hops", 2),
    _in_view("out", "backspace", "back", "back to where one was", "why flow hops full", 2),
    _in_view("close", "q escape", "close", "close the panel and stay here", "why flow hops full", 1),
    _in_view(
        "answer", "0 1 2 3 4 5 6 7 8 9 full_stop minus plus E x left_square_bracket right_square_bracket", "answer",
        "the value (-0.25, 2E-9), its sign (+ - or 0), or the shape: 2x4", "predict", group="predict mode",
    ),
    _in_view("rub_out", "backspace", "rub out", "take back the last digit", "predict", group="predict mode"),
    _in_view("give", "enter", "answer", "give this answer", "predict", 2, group="predict mode"),
    _in_view("numbers", "e", "equation", "show the equation with numbers put in", "predict", 2, group="predict mode"),
    _in_view("terms", "t", "terms", "show the terms the number is made of", "predict", 2, group="predict mode"),
    _in_view("shape", "s", "shape", "ask for the shape, or again for the value", "predict", 3, group="predict mode"),
    _in_view("reveal", "a", "show", "show the answer", "predict", 2, group="predict mode"),
    _in_view(
        "ask_next", "l j", "other cell", "ask for the next of the cells that this step writes", "predict", 3,
        "ask_before", "predict mode",
    ),
    _in_view("end_predict", "p", "end", "end predict mode, with the score", "predict", 1, group="predict mode"),
    _in_view("ask_before", "h k", "cell before", "ask for the one before", "predict", 0, "ask_next", "predict mode"),
    _in_view(
        "wider", "right l", "wider", "the side of the focused pane one column wider", "arrange", 2, "narrower",
        "arranging panes",
    ),
    _in_view("narrower", "left h", "narrower", "one column narrower", "arrange", 2, "wider", "arranging panes"),
    _in_view(
        "taller", "down j", "taller", "the focused pane one row taller", "arrange", 2, "shorter", "arranging panes"
    ),
    _in_view("shorter", "up k", "shorter", "one row shorter", "arrange", 2, "taller", "arranging panes"),
    _in_view("hide_pane", "x", "hide", "hide the focused pane", "arrange", 3, group="arranging panes"),
    _in_view("show_panes", "a", "show all", "show the hidden panes again", "arrange", 3, group="arranging panes"),
    _in_view("reset_panes", "r", "reset", "all panes where they were at first", "arrange", 3, group="arranging panes"),
    _in_view(
        "arranged", "enter equals_sign", "keep", "keep it like that, also for the next time", "arrange", 1,
        group="arranging panes",
    ),
    _in_view(
        "as_before", "q escape backspace", "as before", "leave the panes as they were before", "arrange", 1,
        group="arranging panes",
    ),
)  # fmt: skip


def shown_keys(commands: Sequence[Command]) -> Keys:
    """The keys to put into sentences; a command that has none is not among them."""
    return {entry.id: shown_key(entry.keys[0]) for entry in commands if entry.keys}


def with_keys(chosen: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    """The table with these keys, by the ids of commands, in the place of its own."""
    table = tuple(entry._replace(keys=chosen.get(entry.id, entry.keys)) for entry in _TABLE)
    keys = shown_keys(table)
    return tuple(entry._replace(help=entry.help.format_map(keys)) for entry in table)


COMMANDS = with_keys({})
KEYS = shown_keys(COMMANDS)


def command(id: str, commands: Sequence[Command] = COMMANDS) -> Command:
    """The command of that id; a KeyError if there is none."""
    return {entry.id: entry for entry in commands}[id]


def keys_in(view: str, commands: Sequence[Command] = COMMANDS) -> dict[str, Command]:
    """What each key asks for while a view is open; `""` is none."""
    everywhere = {key: entry for entry in commands if not entry.where for key in entry.keys}
    return everywhere | {key: entry for entry in commands if view in entry.where for key in entry.keys}


def keys_markdown() -> str:
    """The key table of docs/keys.md."""
    lines = [
        "# Keys",
        "",
        "Made from `rnn_tui/commands.py` by `tools/make_keys.py`; edit the table there.",
        "",
    ]
    for group in GROUPS:
        lines += [f"## {group.capitalize()}", "", "| key | does | backward |", "|---|---|---|"]
        for entry in COMMANDS:
            if entry.group == group and not _is_backward(entry):
                backward = command(entry.reverse).shown_keys if entry.reverse else ""
                lines.append(f"| {_code(entry.shown_keys)} | {entry.help} | {_code(backward)} |")
        lines.append("")
    return "\n".join(lines)


def _is_backward(entry: Command) -> bool:
    """Whether its partner stands earlier in the table, and names this one already."""
    ids = [other.id for other in COMMANDS]
    return bool(entry.reverse) and ids.index(entry.reverse) < ids.index(entry.id)


def _code(keys: str) -> str:
    return " ".join(f"`{key}`" for key in keys.split())
