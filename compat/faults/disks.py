"""Small disks of one's own that are full or break: a tmpfs, and ext4 on a loop device.

Breaking is ext4's shutdown call: from then on every read, write and sync is EIO, as of a disk that
was pulled; what was not synced is lost. Both take root. Knows nothing about brokers.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess

from compat import result

# _IOR('X', 125, u32) of linux/fs.h; 2: not even the journal is flushed.
SHUTDOWN, AT_ONCE = 0x8004587D, 2


def _run(*command):
    """Runs a program of the system; Skip if it is missing, or this machine refuses it."""
    if not shutil.which(command[0]):
        raise result.Skip(command[0])
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise result.Skip(f"`{' '.join(map(str, command))}`: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def small(where, size):
    """A file system in memory of this size ("24m"); gives its folder."""
    where = pathlib.Path(where)
    where.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "ottla-small", where)
    try:
        yield where
    finally:
        _run("umount", "-l", where)


class Disk:
    """An ext4 file system in a file, mounted through a loop device."""

    def __init__(self, where, megabytes=64):
        self.folder = pathlib.Path(where)
        self.image = self.folder.with_suffix(".img")
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        self.device = None

    def __enter__(self):
        self.device = _run("losetup", "-f", "--show", self.image)
        try:
            _run("mount", self.device, self.folder)
        except BaseException:
            _run("losetup", "-d", self.device)
            raise
        return self

    def __exit__(self, *_):
        _run("umount", "-l", self.folder)
        _run("losetup", "-d", self.device)

    def break_now(self):
        """Every use fails from now on."""
        file = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(file, SHUTDOWN, struct.pack("I", AT_ONCE))
        finally:
            os.close(file)

    def repair(self):
        """Mounted anew, as after a change of the cable. Nothing may have files open on it."""
        self.__exit__()
        return self.__enter__()
