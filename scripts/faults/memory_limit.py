"""A bound on the memory of one program that the kernel holds: its own, pages of its files, of its libraries, and of itself."""

import os
import shutil
import subprocess
from pathlib import Path

HIERARCHY = Path("/sys/fs/cgroup")
LIMIT, MOST, EVENTS = 0, 1, 2
NAMES = {
    1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    2: ("memory.max", "memory.peak", "memory.events"),
}


class MemoryLimit:
    """A memory control group of versions 1 or 2 (cgroups(7)), for one program."""

    def __init__(self, name: str, limit_bytes: int) -> None:
        """Makes it; OSError where this machine or this user may not."""
        is_second = (HIERARCHY / "cgroup.controllers").exists()
        parent = HIERARCHY if is_second else HIERARCHY / "memory"
        if is_second:
            (parent / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        self.names = NAMES[2 if is_second else 1]
        self.outside = parent / "cgroup.procs"
        self.path = parent / name
        self.path.mkdir()
        (self.path / self.names[LIMIT]).write_text(str(limit_bytes), encoding="ascii")
        for swap in ("memory.swap.max", "memory.swappiness"):
            if (self.path / swap).exists():
                (self.path / swap).write_text("0", encoding="ascii")

    def inside(self) -> list[str]:
        """Words before a command that is to run in it."""
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"]

    def out(self) -> list[str]:
        """Words before a command that is started from inside and is to run outside."""
        return ["sh", "-c", f'echo $$ > {self.outside} && exec "$@"', "sh"]

    @property
    def most_kib(self) -> int:
        """The most that was ever in it."""
        return int((self.path / self.names[MOST]).read_text(encoding="ascii")) >> 10

    @property
    def kills(self) -> int:
        """How many processes the kernel ended because it was full."""
        words = (self.path / self.names[EVENTS]).read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])

    def close(self) -> None:
        """Takes it away; what ran in it has ended."""
        self.path.rmdir()


class ShortReadAhead:
    """Has the kernel read no further ahead of what is asked for than its own default, on the disk of a directory.

    Some machines read 8 MiB ahead: a program that may have 20 MiB then does little else than read itself again.
    """

    DEFAULT_KIB = 128

    def __init__(self, directory: Path) -> None:
        """Shortens it; OSError where this user may not."""
        device = directory.stat().st_dev
        self.setting = Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
        self.before = self.setting.read_text(encoding="ascii").strip()
        if int(self.before) > self.DEFAULT_KIB:
            self.setting.write_text(str(self.DEFAULT_KIB), encoding="ascii")

    def close(self) -> None:
        """As it was."""
        if int(self.before) > self.DEFAULT_KIB:
            self.setting.write_text(self.before, encoding="ascii")


def copy_with_libraries(program: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """A program and all its libraries in a folder, none of it in memory; the copy, and the environment that it needs.

    Pages of files are on the account of whoever read them first. Nobody else reads these.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = [words[2] for line in listed.splitlines() if len(words := line.split()) > 3 and words[1] == "=>"]
    for file in [program, *map(Path, libraries)]:
        copy = folder / file.name
        shutil.copy(file, copy)
        with open(copy, "rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return folder / program.name, {"LD_LIBRARY_PATH": str(folder)}
