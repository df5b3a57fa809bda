"""The one table of commands: bindings, palette, footer, help and docs/keys.md are made from it.

Time moves with the arrows, cells with h j k l; a capital letter is the same thing backward.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
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

    @property
    def shown_keys(self) -> str:
        """The keys as a person would write them."""
        return " ".join(SHOWN.get(key, key) for key in self.keys)


SHOWN = {
    "right": "→", "left": "←", "down": "↓", "up": "↑", "home": "Home", "end": "End", "space": "space",
    "plus": "+", "minus": "-", "tab": "Tab", "shift+tab": "Shift-Tab", "apostrophe": "'", "colon": ":",
    "question_mark": "?", "ctrl+c": "Ctrl-C", "enter": "Enter", "escape": "Esc",
}  # fmt: skip
"""Textual's names of keys → what is printed on them."""

GROUPS = ("time", "marks", "panes and cells", "session")


def _motion(
    id: str, keys: str, label: str, help: str, group: str = "time", reverse: str = "", footer: int = 0
) -> Command:
    """A counted motion and its name: the controller's own word for it."""
    return Command(id, tuple(keys.split()), f"motion('{id}')", label, help, group, reverse, True, footer)


COMMANDS: tuple[Command, ...] = (
    _motion("step", "right", "step", "the next step: one equation", reverse="step_back", footer=2),
    _motion("step_back", "left", "back", "the step before", reverse="step", footer=3),
    _motion(
        "time", "down n", "time", "the same equation at the next time step of this phase",
        reverse="time_back", footer=5,
    ),
    _motion("time_back", "up N", "time back", "the same equation one time step earlier", reverse="time"),
    _motion("phase", "f", "phase", "the next phase: forward, backward, update", reverse="phase_back", footer=6),
    _motion("phase_back", "F", "phase back", "the phase before", reverse="phase"),
    _motion("iteration", "i", "iteration", "the next iteration", reverse="iteration_back", footer=9),
    _motion("iteration_back", "I", "iteration back", "the iteration before", reverse="iteration"),
    _motion("home", "home", "first step", "the first step of the run", reverse="end"),
    _motion("end", "end", "last step", "the last step of the run", reverse="home"),
    Command(
        "go", ("g",), "go_to", "go to",
        "go to a time step (3), an index (#120), an address (12:backward:3:h), a share (50%) or the end",
        "time", footer=8,
    ),
    Command("play", ("space",), "play", "play", "play, and pause again", "time", footer=4),
    Command("faster", ("plus",), "speed(1)", "faster", "play faster", "time", "slower"),
    Command("slower", ("minus",), "speed(-1)", "slower", "play slower", "time", "faster"),
    _motion("sequence", "r", "sequence", "show the next sequence of the batch", reverse="sequence_back"),
    _motion("sequence_back", "R", "sequence back", "show the sequence before", reverse="sequence"),
    Command(
        "count", tuple("1234567890"), "digit", "count",
        "digits before a motion say how often: 5n, 12 then →", "time",
    ),
    Command("stop", ("ctrl+c",), "stop", "stop", "stop a running move or play; it never quits", "time"),
    Command("mark", ("m",), "mark", "mark", "mark this step with a name and a note", "marks", footer=11),
    Command("marks", ("apostrophe",), "marks", "marks", "list the marks, and go to one", "marks", footer=12),
    _motion("mark_next", "a", "next mark", "the next mark", "marks", reverse="mark_back", footer=10),
    _motion("mark_back", "A", "mark back", "the mark before", "marks", reverse="mark_next"),
    Command("left", ("h",), "cell(-1, 0)", "cell left", "the cell to the left", "panes and cells", "right", True),
    Command("below", ("j",), "cell(0, 1)", "cell down", "the cell below", "panes and cells", "above", True),
    Command("above", ("k",), "cell(0, -1)", "cell up", "the cell above", "panes and cells", "below", True),
    Command("right", ("l",), "cell(1, 0)", "cell right", "the cell to the right", "panes and cells", "left", True),
    Command("pane", ("tab",), "pane(1)", "pane", "the next pane", "panes and cells", "pane_back", footer=7),
    Command("pane_back", ("shift+tab",), "pane(-1)", "pane back", "the pane before", "panes and cells", "pane"),
    Command("jump", ("v",), "jump", "jump", "then a letter: jump to the pane that shows it", "panes and cells"),
    Command("zoom", ("z",), "zoom", "zoom", "give this pane all the room, and back", "panes and cells", footer=13),
    Command("open", ("o",), "open", "open", "open a lesson or a file", "session", footer=14),
    Command("save", ("O",), "save", "save", "save this session to a file", "session"),
    Command(
        "palette", ("colon",), "app.command_palette", "commands", "find any command by its name",
        "session", footer=1,
    ),
    Command("help", ("question_mark",), "help", "help", "explain the pane that has the focus", "session", footer=1),
    Command(
        "quit", ("q",), "leave", "quit", "quit; asks only when a mark, note or edit would be lost",
        "session", footer=1,
    ),
)  # fmt: skip


def command(id: str) -> Command:
    """The command of that id; a KeyError if there is none."""
    return {entry.id: entry for entry in COMMANDS}[id]


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
