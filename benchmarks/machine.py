"""What a figure was measured on."""

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path


def describe_machine() -> list[tuple[str, str]]:
    """(what, which) of everything beside the code that decides a figure."""
    return [
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("processor", _processor()),
        ("cores", f"{os.cpu_count()}, load average {os.getloadavg()[0]:.2f} at the beginning"),
    ]


def stay_on_one_core() -> None:
    """Binds this process, with all its threads, to one core, the same for each; where the system can.

    Two cores of a virtual machine are often the two halves of one: what runs on the other half makes a call half as dear again. So what is
    compared has to run on the same one. Threads of CPython take turns anyway.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def describe_versions(distributions: Iterable[str]) -> list[tuple[str, str]]:
    """(distribution, version) of those that are installed."""
    found = []
    for name in distributions:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text("utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
