"""What is watched of an agent while it works: its memory, that it goes on, and how fast what it fetches grows."""

import re
import threading
import time
from pathlib import Path

from bench import PATIENCE
from fleet import Agent


class Memory(threading.Thread):
    """Watches how much memory a device's agent has held at most, over all its lives."""

    def __init__(self, agent: Agent) -> None:
        """Begins to watch."""
        super().__init__(daemon=True)
        self.agent, self.most_kib, self.most_own_kib = agent, 0, 0
        self.start()

    def run(self) -> None:
        """Looks ten times a second."""
        while True:
            try:
                text = Path(f"/proc/{self.agent.process.pid}/status").read_text(encoding="ascii")
                self.most_kib = max(self.most_kib, kibibytes(text, "VmHWM"))
                self.most_own_kib = max(self.most_own_kib, kibibytes(text, "RssAnon"))
            except OSError:
                pass
            time.sleep(0.1)


class Growth(threading.Thread):
    """Watches how fast a file grows that a device fetches: what sockets take in ahead of the agent is not in it."""

    def __init__(self, agent: Agent, digest: str) -> None:
        """Begins to watch."""
        super().__init__(daemon=True)
        self.part = agent.state / "staging" / f"{digest}.part"
        self.seen: list[tuple[float, int, float]] = []
        """How many bytes there were, between two moments."""
        self.start()

    def run(self) -> None:
        """Looks fifty times a second, until the file goes to its place."""
        size = 0
        while size or not self.seen:
            before = time.monotonic()
            try:
                size = self.part.stat().st_size
            except FileNotFoundError:
                size = 0
            if size:
                self.seen.append((before, size, time.monotonic()))
            time.sleep(0.02)

    def rate(self) -> float:
        """Kibibytes per second, from the first to the last time it grew; never more than it was."""
        self.join(PATIENCE)
        most = max(size for _, size, _ in self.seen)
        began, first, _ = self.seen[0]
        ended = next(after for _, size, after in self.seen if size == most)
        return (most - first) / (ended - began) / 1024


class Work:
    """When a device's agent last did something that counts: read or wrote a mebibyte, as it does where it hashes."""

    STEP_BYTES = 1 << 20

    def __init__(self, agent: Agent) -> None:
        """Begins now."""
        self.agent, self.moved, self.last_at = agent, 0, time.monotonic()

    def idle_seconds(self) -> float:
        """How long that is ago."""
        try:
            text = Path(f"/proc/{self.agent.process.pid}/io").read_text(encoding="ascii")
        except OSError:
            text = "rchar: 0\nwchar: 0\n"
        moved = sum(int(found) for found in re.findall(r"^[rw]char: (\d+)", text, re.MULTILINE))
        # A process that was started anew counts from nothing.
        if not self.moved <= moved < self.moved + self.STEP_BYTES:
            self.moved, self.last_at = moved, time.monotonic()
        return time.monotonic() - self.last_at


def kibibytes(text: str, name: str) -> int:
    """A number of `/proc/<process>/status`."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
