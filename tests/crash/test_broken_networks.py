"""The network between an application and its database is cut, slow, or swallows answers."""

from contextlib import ExitStack

from tests.acceptance.programs import until
from tests.crash.company import Play, beside_others
from tests.crash.scene import Scene, end_all
from tests.integration.proxies import proxied

DELAY_S = 0.03
COMMITTED = b"COMMIT\0"


@beside_others
def test_a_batch_whose_commit_was_not_answered_is_there_once(play: Play) -> None:
    scene, rounds = play.scene, play.rounds
    with proxied(scene.database_url) as (proxy, url):
        workload = scene.start(url=url)
        scene.wait_for_rows_of(workload)

        for _ in range(3 * rounds):
            proxy.deaf_before_answer = COMMITTED
            until(lambda: proxy.is_deaf, "a commit")
            proxy.hang_up()
            proxy.hear_again()
            scene.wait_for_rows_of(workload)
        end_all(scene, [workload])

    account = play.report(f"the answer to a commit lost {3 * rounds} times", scene.account(), durability="buffered")
    assert account.is_exact, account
    assert account.tried == account.written


@beside_others
def test_a_network_that_is_cut_slow_or_deaf_costs_nothing(play: Play) -> None:
    scene, rounds = play.scene, play.rounds
    with ExitStack() as stack:
        (cut, cut_url), (slow, slow_url), (deaf, deaf_url) = (stack.enter_context(proxied(scene.database_url)) for _ in range(3))
        workloads = [scene.start(url=url) for url in (cut_url, slow_url, deaf_url)]
        for workload in workloads:
            scene.wait_for_rows_of(workload)

        for _ in range(rounds):
            slow.delay_s = DELAY_S
            # Half-open: the connection stands, and what is sent on it goes nowhere.
            deaf.go_deaf()
            for _ in range(3):
                cut.hang_up()
                workloads[0].wait_for_calls(50)
                scene.wait_for_rows_of(workloads[0])
            scene.wait_for_rows_of(workloads[1])
            if rounds > 1:  # else there is no time to wait until the writer's deadline for a batch has passed
                workloads[2].wait_until(lambda: spooled_count(scene, deaf.port) > 0, "records on disk")
            workloads[2].wait_for_calls(100)
            slow.delay_s = 0
            deaf.hear_again()
            for workload in workloads:
                scene.wait_for_rows_of(workload)
        end_all(scene, workloads)

    title = f"network cut {3 * rounds} times, slow and half-open {rounds} times"
    account = play.report(title, scene.account(), durability="buffered")
    assert account.is_exact, account
    assert account.tried == account.written


def spooled_count(scene: Scene, port: int) -> int:
    """The records that wait for the database behind this port."""
    return sum(holding.records_count for holding in scene.spools() if f":{port}/" in holding.destination)
