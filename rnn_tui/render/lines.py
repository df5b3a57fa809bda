"""The lines around the panes: title, equation, narration, footer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnn_engine.snapshot import Formula
from rnn_tui.commands import COMMANDS, Command, keys_in, shown_key
from rnn_tui.render.spans import Line, Span, fit, merge, spread, width
from rnn_tui.text import cells, clip, safe_text, wrap


def draw_title(
    title: str,
    address: str,
    within: str,
    sequence: tuple[int, int],
    exact: tuple[str, str],
    wide: int,
    aside: str = "",
) -> Line:
    """The session, the address (and what is looked at inside it), at the right the selected cell's exact value.

    `aside` is what else there is to know, in a few words.
    """
    name, value = exact
    title, inner = safe_text(title), f" › {safe_text(within)}" if within else ""
    one, of = sequence
    batch = [f"  sequence {one}/{of}", f"  seq {one}/{of}"] if of > 1 else ["", ""]
    aside = f"  {aside}" if aside else ""
    place = cells(address) + 1
    right: list[Span] = []
    if name:
        room = max(wide - place - cells(batch[1]) - cells(value) - 6, 8)
        right = [("  ", "bar"), (clip(name, room), "bar text"), (" = ", "bar muted"), (value, "bar cursor")]
    right.append((" ", "bar"))
    # What goes first where there is little room; what the place inside and the title (with a gap) take at least.
    tries = (
        (batch[0], aside, 12, 11), (batch[1], aside, 12, 11), (batch[1], aside, 12, 3), (batch[1], "", 12, 3),
        (batch[1], "", 0, 3), (batch[1], "", 0, 0), ("", "", 0, 0),
    )  # fmt: skip
    for which, beside, of_inner, of_title in tries:
        least = min(cells(title) + 2, of_title), min(cells(inner), of_inner)
        spare = wide - width(right) - place - cells(which) - cells(beside) - sum(least)
        if spare >= 0:
            break
    spare = max(spare, 0)
    inner = clip(inner, least[1] + spare) if least[1] else ""
    spare -= max(cells(inner) - least[1], 0)
    # A title for which there is no room leaves its sign where else a blank is.
    first = "… " if title and not least[0] and spare > 0 else " "
    title = clip(title, least[0] - 2 + max(spare, 0)) if least[0] else ""
    left: list[Span] = [
        (first, "bar"), (title, "bar strong"), ("  " if title else "", "bar"), (address, "bar now"),
        (inner, "bar text"), (which + beside, "bar muted"),
    ]  # fmt: skip
    return spread(left, right, wide, "bar")


def draw_equation(formula: Formula, wide: int, high: int) -> list[Line]:
    """Symbols; then the fullest of the numbers that fits in the lines there are, and the result."""
    result = safe_text(formula.result)
    symbols = safe_text(formula.symbols)
    rows = max(high - 1, 1)
    room = wide - 2
    body = [result]
    for text in formula.numbers:
        lines = wrap(_joined(safe_text(text), result), room)
        body = lines
        if len(lines) <= rows:
            break
    if len(body) > rows:
        rest = " ".join(body[rows - 1 :]).removesuffix(result).rstrip()
        body = [*body[: rows - 1], spread_text(rest, result, room)]
    lines_out: list[Line] = [fit([(clip(symbols, wide), "strong")], wide)]
    lines_out += [fit([("  ", ""), *_result_bright(line, result)], wide) for line in body]
    return lines_out[:high]


def _joined(numbers: str, result: str) -> str:
    head = numbers if numbers.startswith("=") or not numbers else f"= {numbers}"
    return f"{head} {result}".strip()


def spread_text(text: str, tail: str, room: int) -> str:
    """`text` cut so that `tail` still stands after it, and `tail` where it is too long by itself; no number is cut."""
    if cells(tail) + 2 > room:
        return _cut(tail, room - 1, ", ", 1) + ("]" if tail.endswith("]") else "")
    return f"{_cut(text, room - cells(tail) - 1, ' ', 0)} {tail}"


def _cut(text: str, room: int, between: str, depth: int) -> str:
    """As much as fits and ends `between` two things that stand within so many brackets, with a sign that it was cut."""
    if cells(text) <= room:
        return text
    within = end = wide = 0
    for at, character in enumerate(text):
        within += (character in "([") - (character in ")]")
        if wide + len(between) + 1 > room:
            break
        if within == depth and text.startswith(between, at):
            end = at
        wide += cells(character)
    return f"{text[:end]}{between.rstrip()} …" if end else "…"


def _result_bright(line: str, result: str) -> list[Span]:
    if result and line.endswith(result):
        return [(line[: len(line) - len(result)], "text"), (result, "now")]
    return [(line, "text")]


def draw_narration(texts: Sequence[str], note: str, message: str, wide: int, high: int) -> list[Line]:
    """A message of ours, else the note of the mark here, else the fullest sentence that fits."""
    if message:
        return _wrapped([(safe_text(message), "warning")], wide, high)
    if note:
        return _wrapped([("◆ " + safe_text(note, multiline=True), "note")], wide, high)
    for text in texts:
        if len(wrap(safe_text(text), wide - 2)) <= high:
            return _wrapped([(safe_text(text), "text")], wide, high)
    return _wrapped([(safe_text(texts[-1]), "text")] if texts else [], wide, high)


MORE = "… ? shows all"


def _wrapped(spans: Sequence[Span], wide: int, high: int) -> list[Line]:
    if not spans:
        return []
    (text, role), room = spans[0], wide - 2
    lines = wrap(text, room)
    cut = len(lines) > high
    out: list[Line] = [fit([(" ", ""), (line, role)], wide) for line in lines[:high]]
    if cut and out:
        out[-1] = fit(
            [(" ", ""), (clip(lines[high - 1], room - cells(MORE)).rstrip("…"), role), (MORE, "muted")], wide
        )
    return out


@dataclass(frozen=True, slots=True)
class FooterView:
    """What the footer says besides the keys."""

    count: str = ""
    playing: str = ""
    """The speed while playing, such as `4 a second`."""
    busy: bool = False
    covered: bool = False
    """Whether a dialog stands over the session: it has the keys, and says which."""
    view: str = ""
    """The view whose keys hold: one of `commands.VIEWS`, or none."""
    tour: tuple[str, str, str] = ("", "", "")
    """How far the tour is, the key it speaks of, what that does; empty: there is none."""
    idle: frozenset[str] = frozenset()
    """Commands that could do nothing here: they are left out."""
    commands: tuple[Command, ...] = COMMANDS
    """The table, with the keys as they are bound."""


def draw_footer(view: FooterView, wide: int) -> Line:
    """The keys that matter most, as many as fit, in the order of the table."""
    left = _before_keys(view)
    if view.covered:
        return fit(left, wide, "bar")
    if view.tour[0] and not view.busy and not view.playing:
        return _tour(view, left, wide)
    keys = [span for key, label in _keys(view, wide - width(left)) for span in _key(key, label)]
    return fit(merge([*left, *keys]), wide, "bar")


def key_at(view: FooterView, wide: int, x: int) -> str:
    """The key that the footer names at `x`, as Textual calls it; empty where it names none."""
    left = _before_keys(view)
    if view.covered or (view.tour[0] and not view.busy and not view.playing):
        return ""
    end = width(left)
    for key, label in _keys(view, wide - end):
        start, end = end, end + width(_key(key, label))
        if start <= x < end:
            return key
    return ""


def _before_keys(view: FooterView) -> list[Span]:
    """A count that is being typed, and what is running."""
    left: list[Span] = []
    if view.covered:
        return [(" working ", "jump")] if view.busy else []
    if view.count:
        left = [(f" {view.count}× ", "jump"), (" ", "bar")]
    if view.busy:
        left += [(" working ", "jump"), (" Ctrl-C ", "bar key"), ("stops it ", "bar muted")]
    elif view.playing:
        left += [
            (" playing ", "jump"),
            (f" {view.playing} ", "bar text"),
            (" + - ", "bar key"),
            ("speed ", "bar muted"),
        ]
    return left


def _keys(view: FooterView, room: int) -> Iterator[tuple[str, str]]:
    """Key and label of each command that is shown."""
    commands, here = view.commands, keys_in(view.view, view.commands)
    shown = {entry.id: next((key for key in entry.keys if here.get(key) is entry), "") for entry in commands}
    entries = [entry for entry in commands if entry.footer and shown[entry.id] and entry.id not in view.idle]
    kept: set[str] = set()
    # What undoes a motion that could do nothing here stays as long as that would.
    ranks = {entry.reverse: entry.footer for entry in commands if entry.footer and entry.id in view.idle}
    for entry in sorted(entries, key=lambda e: (min(e.footer, ranks.get(e.id, e.footer)), not e.where)):
        need = width(_key(shown[entry.id], entry.label))
        if need > room:
            continue
        room -= need
        kept.add(entry.id)
    for entry in sorted(entries, key=lambda entry: not entry.where):
        if entry.id in kept:
            pause = entry.id == "play" and view.playing
            yield shown[entry.id], "pause" if pause else entry.label


def _tour(view: FooterView, left: Sequence[Span], wide: int) -> Line:
    """The next stop of the tour, and how to end it."""
    how_far, key, words = view.tour
    last = _key("escape", "ends it")
    room = wide - width(left) - width(last) - cells(how_far) - cells(key) - 4
    stop: list[Span] = [
        (f" {how_far} ", "jump"),
        (f" {key} ", "bar key"),
        (f"{clip(words, room)} ", "bar text"),
    ]
    return spread([*left, *stop], last, wide, "bar")


def _key(key: str, label: str) -> list[Span]:
    return [(f" {shown_key(key)}", "bar key"), (f" {label} ", "bar muted")]
