"""Runs what the controller is asked to do, in a thread, in order; the screen hears of it once per batch.

While a batch runs, further requests gather, and the next batch does them all: so held keys are all
applied and painted once, and a long move never stops the screen from answering.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PAUSE = 0.008
"""Seconds without a request after which one looks ahead: by then the last frame is written, and nothing competes."""

Job = Callable[[], str]
"""Does something with the controller and returns "" or a sentence about it."""


@dataclass(eq=False, slots=True)
class _Request:
    job: Job
    done: asyncio.Future[str]
    quiet: bool
    then: Callable[[], None] | None


class Driver:
    """A queue of jobs with one worker thread."""

    def __init__(
        self, look: Callable[[], None], after_batch: Callable[[str], None], look_ahead: Callable[[], None]
    ) -> None:
        """`look` ends each batch in the thread; then `after_batch` is called on the event loop with its last
        sentence that no dialog waits for. In a pause, `look_ahead` is called in the thread."""
        self._look, self._after_batch, self._look_ahead = look, after_batch, look_ahead
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="controller")
        self._pending: list[_Request] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._dropped = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether something is running or waiting."""
        return not self._idle.is_set()

    def submit(
        self, job: Job, *, quiet: bool = False, then: Callable[[], None] | None = None
    ) -> asyncio.Future[str]:
        """Queue a job; the future holds its sentence, and with `quiet` nobody else is told.

        Where it has nothing to say, `then` is called on the event loop before anything is painted.
        """
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pending.append(_Request(job, done, quiet, then))
        self._stay_here()
        self._idle.clear()
        self._wake.set()
        return done

    def drop(self) -> None:
        """Forget what has not begun, also of the batch that is running."""
        self._dropped.set()
        for request in self._pending:
            request.done.cancel()
        self._pending.clear()

    async def settled(self) -> None:
        """Wait until nothing runs or waits."""
        await self._idle.wait()

    async def run(self) -> None:
        """Serve for as long as the screen lives."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._pending = self._pending, []
            self._dropped.clear()
            if batch:
                said = await loop.run_in_executor(self._pool, self._do, [request.job for request in batch])
                for request, sentence in zip(batch, said, strict=True):
                    if not request.done.cancelled():
                        request.done.set_result(sentence)
                        if request.then is not None and not sentence:
                            request.then()
                heard = [sentence for request, sentence in zip(batch, said, strict=True) if not request.quiet]
                self._after_batch(heard[-1] if heard else "")
            if not self._pending:
                self._idle.set()
                if self._closed:
                    return
                # What it raises it will raise once more where it is asked for, and is heard of there.
                self._pause = loop.call_later(PAUSE, self._pool.submit, self._look_ahead)

    def close(self) -> None:
        """Take no more jobs; a running one must have been cancelled by whoever knows how."""
        self.drop()
        self._closed = True
        self._stay_here()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _stay_here(self) -> None:
        """Do not look ahead, if it has not begun."""
        if self._pause is not None:
            self._pause.cancel()

    def _do(self, jobs: list[Job]) -> list[str]:
        """In the worker thread: one after another; what is dropped meanwhile is "stopped"."""
        said = ["stopped" if self._dropped.is_set() else job() for job in jobs]
        self._look()
        return said
