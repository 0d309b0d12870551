"""Small disks that a test can fill up: a tmpfs, and an ext4 whose own medium can run out."""

from __future__ import annotations

import errno
import pathlib
import subprocess
from typing import List

import pytest

_FILLER = "filler"


def _run(*arguments) -> None:
    subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True, timeout=60)


def _may_mount() -> bool:
    cap_sys_admin = 21
    status = pathlib.Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> cap_sys_admin & 1)


class Disk:
    """A folder with a file system of its own."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def fill(self) -> None:
        """To the last byte; in steps, because others write too."""
        with open(self.folder / _FILLER, "ab", buffering=0) as file:
            for step in (1 << 16, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * step)
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error

    def free(self) -> None:
        (self.folder / _FILLER).unlink()


class Disks:
    """Mounts, and takes every mount away again. Programs on them must have ended by then."""

    def __init__(self) -> None:
        self._mounted: List[pathlib.Path] = []

    def tmpfs(self, folder: pathlib.Path, size_bytes: int) -> Disk:
        self._mount(folder, "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs")
        return Disk(folder)

    def ext4_on(self, medium: Disk, folder: pathlib.Path, size_bytes: int) -> Disk:
        """Bigger than what the medium has room for: once that is full, writes come back as input/output errors.

        Without a journal, because a journal that cannot be written ends the file system for good.
        """
        image = medium.folder / "image"
        with open(image, "wb") as file:
            file.truncate(size_bytes)
        try:
            _run("mkfs.ext4", "-q", "-O", "^has_journal", "-E", "nodiscard", image)
        except FileNotFoundError:
            pytest.skip("mkfs.ext4 is not installed")
        self._mount(folder, "-o", "loop", image)
        return Disk(folder)

    def _mount(self, folder: pathlib.Path, *arguments) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _run("mount", *arguments, folder)
        except subprocess.CalledProcessError as error:
            if not _may_mount():
                pytest.skip(f"needs the capability to mount a disk to fill it up: {error.stderr.strip()}")
            raise AssertionError(f"cannot mount {arguments}: {error.stderr}") from error
        self._mounted.append(folder)

    def close(self) -> None:
        for folder in reversed(self._mounted):
            try:
                _run("umount", folder)
            except subprocess.CalledProcessError:
                _run("umount", "--lazy", folder)
                raise
