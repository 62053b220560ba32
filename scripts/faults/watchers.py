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
    """Watches how fast the file that a device fetches grows: what sockets take in ahead of the agent is not in it."""

    def __init__(self, agent: Agent) -> None:
        """Begins to watch."""
        super().__init__(daemon=True)
        self.staging = agent.state / "staging"
        self.seen: list[tuple[float, int, float]] = []
        """How many bytes there were, between two moments."""
        self.start()

    def run(self) -> None:
        """Looks fifty times a second, until the file goes to its place."""
        while not self.seen or self.seen[-1][1] > 0:
            before = time.monotonic()
            size = sum(file.stat().st_size for file in self.parts())
            if size or self.seen:
                self.seen.append((before, size, time.monotonic()))
            time.sleep(0.02)

    def parts(self) -> list[Path]:
        """What is being fetched."""
        try:
            return [file for file in self.staging.iterdir() if file.suffix == ".part"]
        except FileNotFoundError:
            return []

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
