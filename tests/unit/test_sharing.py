"""Questions that wait at the same time are asked once, and never before who waits for them came."""

import asyncio

import pytest

from integration_monitor.server.sharing import SharedQuestions


class Database:
    """Answers with how many questions have begun, when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_answer = asyncio.Event()

    async def question(self) -> int:
        self.begun += 1
        answer = self.begun
        await self.may_answer.wait()
        if answer == 1:
            return answer
        raise LookupError(f"question {answer}")


async def settled() -> None:
    """Until whatever can run has run."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_those_who_come_together_share_one_answer() -> None:
    async def story() -> None:
        shared, database = SharedQuestions(), Database()
        database.may_answer.set()

        answers = await asyncio.gather(*(shared.ask("health", database.question) for _ in range(5)))

        assert answers == [1] * 5

    asyncio.run(story())


def test_who_comes_later_gets_no_older_answer() -> None:
    async def story() -> None:
        shared, database = SharedQuestions(), Database()
        first = asyncio.create_task(shared.ask("health", database.question))
        await settled()
        later = [asyncio.create_task(shared.ask("health", database.question)) for _ in range(3)]
        await settled()
        begun_before = database.begun

        database.may_answer.set()

        assert (begun_before, await first) == (1, 1)
        assert [str(error) for error in await asyncio.gather(*later, return_exceptions=True)] == ["question 2"] * 3

    asyncio.run(story())


def test_other_questions_do_not_wait() -> None:
    async def story() -> None:
        shared, database = SharedQuestions(), Database()
        first = asyncio.create_task(shared.ask(("health", "service_role"), database.question))
        await settled()

        other = asyncio.create_task(shared.ask(("health", "authenticated"), database.question))
        await settled()

        assert database.begun == 2
        database.may_answer.set()
        await asyncio.gather(first, other, return_exceptions=True)

    asyncio.run(story())


def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    async def story() -> None:
        shared, database = SharedQuestions(), Database()
        first, second = (asyncio.create_task(shared.ask("health", database.question)) for _ in range(2))
        await settled()

        first.cancel()
        database.may_answer.set()

        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(story())


def test_nothing_is_kept_of_what_was_answered() -> None:
    async def story() -> None:
        shared, database = SharedQuestions(), Database()
        database.may_answer.set()
        await shared.ask("health", database.question)

        with pytest.raises(LookupError, match="question 2"):
            await shared.ask("health", database.question)

        assert not shared._asked
        assert not shared._waiting

    asyncio.run(story())
