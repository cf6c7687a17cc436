"""A crowd of threads and tasks at once."""

import json

from tests.crash.company import Play, beside_others
from tests.crash.vendor import running_vendor

THREADS_COUNT = 200
TASKS_COUNT = 1_000

# An hour of a company's calls, some 17 a second, is 60,000 records.
PROGRAM = """
import asyncio, dataclasses, json, sys, threading, time
from pathlib import Path
import aiohttp
import integration_monitor as im
from integration_monitor.record import new_id, now
from tests.crash.noting import Notes

notes, vendor = Notes(Path(sys.argv[1])), sys.argv[2]
threads_count, logs_count, tasks_count, calls_count, within_s = map(int, sys.argv[3:])

def log():
    for _ in range(logs_count):
        key = new_id(now())
        with notes.call(str(key)):
            im.log(id=key, service_name="crash", action="log", status="success", request_payload={"text": "x" * 500})
        time.sleep(within_s / logs_count)

async def call(session, task):
    for number in range(calls_count):
        key = f"{task}-{number}"
        with notes.call(key):
            async with session.get(f"http://{vendor}/calls/{key}") as answer:
                await answer.read()
        await asyncio.sleep(within_s / calls_count)

async def call_all():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
        await asyncio.gather(*(call(session, task) for task in range(tasks_count)))

im.instrument()
threads = [threading.Thread(target=log) for _ in range(threads_count)]
for thread in threads:
    thread.start()
asyncio.run(call_all())
print("the tasks are done")
for thread in threads:
    thread.join()
print("the threads are done")
im.shutdown(60)
print(json.dumps(dataclasses.asdict(dataclasses.replace(im.stats(), dropped=dict(im.stats().dropped)))))
"""


@beside_others
def test_200_threads_and_1000_tasks_lose_nothing(play: Play) -> None:
    # In `make test` the same crowd for some seconds.
    logs_count, calls_count, within_s = (150, 30, 60) if play.rounds > 1 else (15, 2, 4)
    records_count = THREADS_COUNT * logs_count + TASKS_COUNT * calls_count
    notes = play.scene.note_folder("notes")
    shell = play.scene.shell()
    (shell.folder / "crowd.py").write_text(PROGRAM, "utf-8")

    with running_vendor(is_slow=False) as vendor:
        crowd = f"{THREADS_COUNT} {logs_count} {TASKS_COUNT} {calls_count} {within_s}"
        with shell.start(f"python crowd.py {notes} {vendor.address} {crowd}") as program:
            # A minute's crowd takes a busy machine longer.
            for who in ("tasks", "threads"):
                program.wait_for(f"(the {who} are done)")
            word = json.loads(program.wait_for(r"^(\{.*\})$"))

    account = play.report(
        f"{THREADS_COUNT} threads, {TASKS_COUNT} tasks",
        play.scene.account(),
        durability="buffered",
        counted=sum(word["dropped"].values()),
    )
    assert account.is_exact, account
    assert len(account.written) == records_count == word["taken"] == word["written"]
    assert word["dropped"] == {}
    assert play.scene.spools() == []
