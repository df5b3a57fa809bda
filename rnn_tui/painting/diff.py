"""The shortest sequence we know that turns one picture on a terminal into another.

Three things are chosen by their length in bytes: how to move the cursor, how to change the pen, and whether to
write a short stretch that did not change once more instead of moving over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from operator import is_not

from rnn_tui.painting.cells import ON_BLANKS, PLAIN, Cell, Pen, Row, sure

OFF = {
    "1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29",
    "21": "24", "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""What ends an attribute; bold and dim end together."""
ERASE_LINE = "\x1b[K"
CLEAR = "\x1b[2J"


def picture(wanted: Sequence[Row], *, erases: bool) -> str:
    """All of it, on a terminal of which nothing is known.

    With `erases`, the terminal erases in the pen's background: then each line begins as a blank one in the background
    that blanks have most.
    """
    papers = Counter(cell.pen.paper for row in wanted for cell in row if cell.pen.ink is None)
    paper = next((most for most, _ in papers.most_common(1)), "") if erases else ""
    blank = Cell(" ", Pen(None, paper))
    wire = _Wire(len(wanted[0]), erases=erases)
    wire.say("\x1b[m", CLEAR)
    for y, row in enumerate(wanted):
        line = [blank] * len(row)
        if paper:
            wire.erase(0, y, line)
        wire.row(y, line, row)
    return wire.sequence()


def difference(shown: Sequence[Row], wanted: Sequence[Row], *, erases: bool) -> str:
    """What turns the picture `shown` into `wanted`, both of one size; nothing where they are the same.

    The pen is plain before and after, and the cursor may be anywhere.
    """
    wire = _Wire(len(wanted[0]), erases=erases)
    for y, (old, new) in enumerate(zip(shown, wanted, strict=True)):
        if old is not new:
            wire.row(y, old, new)
    return wire.sequence()


class _Wire:
    """A sequence in the making, and where the terminal is after it."""

    def __init__(self, wide: int, *, erases: bool) -> None:
        self._wide, self._erases = wide, erases
        self._parts: list[str] = []
        self._x: int | None = None
        self._y: int | None = None
        self._pen = self._asked = PLAIN

    def say(self, *parts: str) -> None:
        self._parts += parts

    def sequence(self) -> str:
        if self._pen != PLAIN:
            self.say("\x1b[m")
        return "".join(self._parts)

    def row(self, y: int, old: Row, new: Row) -> None:
        """Write what changed in a row."""
        # Cells that look the same are mostly one object, and that they are is quickly found out.
        others = compress(range(len(new)), map(is_not, old, new))
        changed = [x for x in others if old[x] != new[x]]
        if not changed:
            return
        blank = self._blank_from(new)
        erased = [x for x in changed if x >= blank]
        if len(erased) > len(ERASE_LINE) or (erased and erased[-1] - erased[0] > len(ERASE_LINE)):
            changed = changed[: -len(erased)]
        else:
            erased = []
        parts, end = self._parts, self._wide - 1
        for x in changed:
            text, pen = new[x]
            if x == self._x and pen is self._asked and y == self._y and x < end and text.isascii() and text:
                parts.append(text)  # most cells: one that follows the last, in its pen, and takes one place
                self._x = x + 1
            elif text:  # the second half of a wide character comes with the first
                self._put(x, y, new)
        if erased:
            self.erase(erased[0], y, new)

    def erase(self, x: int, y: int, row: Row) -> None:
        """Make the end of a row what its last cell is."""
        self._reach(x, y, row)
        self.draw_with(row[-1].pen)
        self.say(ERASE_LINE)

    def _blank_from(self, row: Row) -> int:
        """Where the blanks begin that end a row and can be erased."""
        last, start = row[-1], len(row)
        if last.text == " " and last.pen.ink is None and (self._erases or not last.pen.paper):
            while start and row[start - 1] == last:
                start -= 1
        return start

    def _put(self, x: int, y: int, row: Row) -> None:
        """Write one cell."""
        if x != self._x or y != self._y:
            self._reach(x, y, row)
        text, pen = row[x]
        if pen is not self._asked:
            self.draw_with(pen)
        self._parts.append(text)
        after = x + 1
        while after < self._wide and not row[after].text:
            after += 1
        # In the last column terminals differ in where the cursor is.
        self._x = after if after < self._wide and sure(text) else None

    def draw_with(self, pen: Pen) -> None:
        """Have the next cell in this pen."""
        code, self._pen = change(self._pen, pen)
        self._asked = pen
        if code:
            self.say(code)

    def _reach(self, x: int, y: int, row: Row) -> None:
        """Bring the cursor to a cell of this row: by a move, or by writing once more what lies before it."""
        hop = move(self._x, self._y, x, y)
        if y == self._y and self._x is not None and 0 < x - self._x < len(hop):
            between = row[self._x : x]
            again, pen = _written(between, self._pen)
            then, instead = change(pen, row[x].pen)[0], change(self._pen, row[x].pen)[0]
            if len(again.encode()) + len(then) <= len(hop) + len(instead) and all(
                sure(cell.text) for cell in between
            ):
                hop, self._pen, self._asked = again, pen, pen
        self.say(hop)
        self._x, self._y = x, y


def _written(cells: Sequence[Cell], pen: Pen) -> tuple[str, Pen]:
    parts: list[str] = []
    for cell in cells:
        code, pen = change(pen, cell.pen)
        parts += (code, cell.text)
    return "".join(parts), pen


@lru_cache(maxsize=1024)
def change(now: Pen, to: Pen) -> tuple[str, Pen]:
    """The shortest sequence from one pen to another, and the pen that it leads to.

    For a blank only the background counts: the ink stays as it is, and so do bold and its like.
    """
    if to.ink is None:
        to = Pen(now.ink, to.paper, tuple(each for each in now.attributes if each not in ON_BLANKS))
    if to == now:
        return "", now
    ended = dict.fromkeys(OFF[each] for each in now.attributes if each not in to.attributes)
    begun = [each for each in to.attributes if each not in now.attributes or OFF[each] in ended]
    ink = [to.ink or "39"] if to.ink != now.ink else []
    paper = [to.paper or "49"] if to.paper != now.paper else []
    steps = ";".join([*ended, *begun, *ink, *paper])
    anew = ";".join(filter(None, ["0" if to != PLAIN else "", *to.attributes, to.ink, to.paper]))
    return f"\x1b[{min(steps, anew, key=len)}m", to


def move(x0: int | None, y0: int | None, x: int, y: int) -> str:
    """The shortest move from a cell, `None` where that is not known, to another; both count from 0."""
    if y0 == y and x0 is not None and x0 < x:  # most moves; no other way is shorter
        return f"\x1b[{_count(x - x0)}C"
    if (x0, y0) == (x, y):
        return ""
    ways = [f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{_count(y + 1)}H"]
    if y0 == y:
        ways += [_across(x0, x)]
    elif y0 is not None and x0 is not None:
        down = f"\x1b[{_count(abs(y - y0))}{'B' if y > y0 else 'A'}"
        ways.append(down + _across(x0, x))
    return min(ways, key=len)


def _across(x0: int | None, x: int) -> str:
    """Along the row."""
    if x0 == x:
        return ""
    ways = ["\r"] if x == 0 else [f"\x1b[{_count(x + 1)}G", f"\r\x1b[{_count(x)}C"]
    if x0 is not None:
        ways.append(f"\x1b[{_count(x - x0)}C" if x > x0 else f"\x1b[{_count(x0 - x)}D")
        if 0 < x0 - x <= 3:
            ways.append("\b" * (x0 - x))
    return min(ways, key=len)


def _count(number: int) -> str:
    return "" if number == 1 else str(number)
