"""One measured process of `capture_overhead`: one tool, one library.

It says `ready` when everything is warm, waits for a line, and prints its costs as a line of JSON.

The database is that of the setting INTEGRATION_MONITOR_DATABASE_URL.
"""

import argparse
import dataclasses
import itertools
import json
import sys
import time
from pathlib import Path

from benchmarks.capture_loops import LIBRARIES, SAMPLES, Run, make_httpx_call, measure
from benchmarks.capture_tools import TOOLS, Product
from benchmarks.machine import stay_on_one_core
from benchmarks.sample_calls import resend_email

#: The line that says so.
READY = "ready"

# The writer keeps up with the pace of `--memory` by itself; this is for a machine on which it does not.
QUEUE_RECORDS_HIGH = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=LIBRARIES, default="httpx")
    parser.add_argument("--tool", choices=[tool.name for tool in TOOLS], default=Product.name)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument(
        "--memory-every", type=int, metavar="CALLS", help="print the size of the process after so many calls instead"
    )
    arguments = parser.parse_args()
    stay_on_one_core()
    if arguments.memory_every:
        _print_memory(arguments.calls, arguments.memory_every)
        return
    tool = next(tool for tool in TOOLS if tool.name == arguments.tool)()
    tool.start(arguments.library)
    run = Run(tool, calls=arguments.calls, wait=_wait)
    print(json.dumps(dataclasses.asdict(measure(arguments.library, run))))


def _wait() -> None:
    print(READY, flush=True)
    sys.stdin.readline()


def _print_memory(calls: int, every: int) -> None:
    """As fast as the writer can follow: lines of JSON with `calls` and `rss_bytes`, the last one with what became of the calls."""
    tool = Product()
    tool.start("httpx")
    samples = [resend_email(number) for number in range(SAMPLES)]
    call, turns = make_httpx_call(tool, samples), itertools.cycle(samples)
    import integration_monitor  # noqa: PLC0415 -- when it has been started, as in every tool

    for number in range(1, calls + 1):
        call(next(turns))
        while number % 100 == 0 and integration_monitor.stats().queue_records > QUEUE_RECORDS_HIGH:
            time.sleep(0.01)
        if number % every == 0:
            print(json.dumps({"calls": number, "rss_bytes": _rss_bytes()}), flush=True)
    delivered = tool.finish()
    dropped = dict(integration_monitor.stats().dropped)
    print(json.dumps({"calls": calls, "rss_bytes": _rss_bytes(), "delivered": delivered, "dropped": dropped}))


def _rss_bytes() -> int:
    """What of the process is in memory."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


if __name__ == "__main__":
    main()
