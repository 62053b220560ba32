"""What is watched of an agent while it works: its memory, and how fast what it fetches grows."""

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


def kibibytes(text: str, name: str) -> int:
    """A number of `/proc/<process>/status`."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
