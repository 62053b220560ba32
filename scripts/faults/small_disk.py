"""A file system with little room, which can be filled to its last byte and emptied again."""

import os
import subprocess
import tempfile
from pathlib import Path


class SmallDisk:
    """A file system in memory (tmpfs(5)) in a directory of its own."""

    def __init__(self, mebibytes: int) -> None:
        """Makes it; OSError where this machine or this user may not."""
        self.path = Path(tempfile.mkdtemp(prefix="edge-disk-"))
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", self.path], capture_output=True, text=True)
        if mounted.returncode:
            self.path.rmdir()
            raise OSError(mounted.stderr.strip())

    def fill(self) -> None:
        """Takes all room that is left."""
        room = os.statvfs(self.path)
        with open(self.path / "filler", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)

    def empty(self) -> None:
        """Gives it back."""
        (self.path / "filler").unlink(missing_ok=True)

    def end(self) -> None:
        """Takes the file system away, with everything on it."""
        subprocess.run(["umount", "--lazy", self.path], check=True, capture_output=True)
        self.path.rmdir()
