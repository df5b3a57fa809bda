"""How fast a terminal draws, found out by asking it.

A line that is slower than we are keeps what it cannot take at once, and nobody tells: a held key would leave
seconds of old frames to sit through. So each frame ends with a question that every terminal answers when it has
come to it (where is the cursor?), and while two answers are missing, frames wait. One that waits is
never sent as it was; what is sent in the end is the newest picture.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

QUESTION = "\x1b[6n"
"""The cursor position report. Textual reads the answer; of other reports it would make keys."""
AHEAD = 2
"""Frames on the way: one that is being drawn, and one that follows it without a pause. On a line where an answer
takes much longer than it can, because frames are still before it, it is one."""
SLACK = 0.05
"""Seconds by which an answer may be late without that meaning anything."""
PATIENCE = 2.0
"""Seconds after which an answer will not come any more."""


FIRST_LOOK, LAST_LOOK = 0.001, 0.05
"""Seconds between looks at a line that does not take more just now."""


class Looks:
    """When to look again: soon, and after each look in vain twice as late.

    Mostly it is Textual's writer, which waits for its turn at Python and not for the terminal: a millisecond is enough.
    """

    def __init__(self) -> None:
        self._wait = FIRST_LOOK

    def wait(self) -> float:
        """Seconds until the next look."""
        wait = self._wait
        self._wait = min(2 * wait, LAST_LOOK)
        return wait

    def done(self) -> None:
        """The line is free: the next time begins anew."""
        self._wait = FIRST_LOOK


class Pace:
    """Counts questions and answers. A terminal that has never answered is never waited for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, period: float = 0.0) -> None:
        """`period`: seconds from one frame to the next, at least."""
        self._clock, self._period = clock, period
        self._sent = -period
        self._asked: deque[float] = deque()
        self._answers = False
        self._last = 0.0
        self._least = float("inf")

    def question(self) -> str:
        """What to put behind a frame; nothing if an answer is still awaited from a terminal that never gave one."""
        self._sent = self._clock()
        if self._asked and not self._answers:
            return ""
        self._asked.append(self._sent)
        return QUESTION

    def answered(self) -> None:
        """An answer has come."""
        self._answers = True
        if self._asked:
            self._last = self._clock() - self._asked.popleft()
            self._least = min(self._least, self._last)

    @property
    def early(self) -> float:
        """Seconds until the next frame may be sent; 0 where it may be at once."""
        return max(0.0, self._sent + self._period - self._clock())

    @property
    def behind(self) -> bool:
        """Whether the terminal has still to draw what it was sent."""
        if self._answers and self._asked and self._clock() - self._asked[0] > PATIENCE:
            # It has stopped answering, or is another one now. The next question is asked as if it were the first.
            self._answers = False
            self._asked.clear()
        ahead = 1 if self._last > 1.5 * self._least + SLACK else AHEAD
        return self._answers and len(self._asked) >= ahead

    def answer_due(self, patience: float) -> bool:
        """Whether an answer may still come: who leaves before it finds it on the command line."""
        return bool(self._asked) and self._clock() - self._asked[-1] < patience
