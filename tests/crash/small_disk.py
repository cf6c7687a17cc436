"""A disk that is soon full: a file system in memory, of a given size. For root alone."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    def __init__(self, folder: Path, *, owner_id: int) -> None:
        self.folder = folder
        self._owner_id = owner_id

    def mount(self, size_bytes: int) -> None:
        options = f"size={size_bytes},mode=0700,uid={self._owner_id}"
        _run("mount", "-t", "tmpfs", "-o", options, "integration-monitor-test", str(self.folder))

    def resize(self, size_bytes: int) -> None:
        _run("mount", "-o", f"remount,size={size_bytes}", str(self.folder))

    def unmount(self) -> None:
        # Lazily: whoever is still in there, such as a server that ends, keeps it until it has ended.
        _run("umount", "--lazy", str(self.folder))

    @property
    def used_bytes(self) -> int:
        status = os.statvfs(self.folder)
        return (status.f_blocks - status.f_bfree) * status.f_frsize

    @property
    def free_bytes(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize


def can_mount(folder: Path) -> bool:
    """Whether this user, in this place, may mount a file system."""
    if os.geteuid() != 0:
        return False
    disk = SmallDisk(folder, owner_id=0)
    try:
        disk.mount(4096)
    except (OSError, subprocess.CalledProcessError):
        return False
    disk.unmount()
    return True


@contextmanager
def small_disk(folder: Path, size_bytes: int, *, owner_id: int) -> Iterator[SmallDisk]:
    """A disk of this size in an empty folder, until the block ends."""
    disk = SmallDisk(folder, owner_id=owner_id)
    disk.mount(size_bytes)
    try:
        yield disk
    finally:
        disk.unmount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
