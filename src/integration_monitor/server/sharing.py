"""Questions that many ask at the same time, such as an open dashboard in every office, are asked once for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

Answer = TypeVar("Answer")


class SharedQuestions:
    """Lets those who wait with the same question share one answer. For one event loop.

    An answer is never older than the request: whoever comes while a question is being asked waits for the next one. So of each question
    at most one is asked at a time, however many wait.
    """

    def __init__(self) -> None:
        #: questions that have begun
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}
        #: questions that begin when the one before has ended; more may join
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of a question that has begun after this call. Errors: the question's own, to everybody who waited.

        key:
            The same for the same question of the same rights.
        question:
            Asks it, with the time at which it is asked; only the first one's is called.
        """
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._run(key, question))
            task.add_done_callback(_take_note)
        # One who goes away takes the answer from nobody else.
        return cast("Answer", await asyncio.shield(task))

    async def _run(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        before = self._asked.get(key)
        if before is not None:
            await asyncio.wait([before])
        task = self._asked[key] = self._waiting.pop(key)
        try:
            return await question()
        finally:
            if self._asked.get(key) is task:
                del self._asked[key]


def _take_note(task: asyncio.Task[Any]) -> None:
    """Where everybody has gone away, an error is nobody's."""
    if not task.cancelled():
        task.exception()
