#!/usr/bin/env python3
"""Sends a steady stream of real images to model runtimes, as cameras would, until told to stop.

Each runtime gets its images one at a time over one connection, all in the same order from another start. A runtime that
is away costs nobody else anything: its images are counted as missed, and it is tried again after a short pause.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ANSWER_SECONDS = 5.0
"""A runtime that takes longer for one image is taken as gone."""

PAUSE_SECONDS = (0.2, 2.0)
"""The first and the longest pause before a lost runtime is tried again."""

REREAD_SECONDS = 1.0
"""How often a file of targets is looked at."""


@dataclass
class Totals:
    """What became of the images."""

    answered: int = 0
    refused: int = 0
    """Answered with another status than 200."""
    lost: int = 0
    """Sent, but the connection ended before the answer."""
    missed: int = 0
    """Never sent: the runtime was away, or still busy with the image before."""


class Lost(Exception):
    """The runtime cannot be reached or went away."""


class Stream:
    """The steady stream to one runtime."""

    def __init__(self, target: str, requests: list[bytes], start: int, rate: float, totals: Totals) -> None:
        """Prepares a stream that begins with the image at index `start`."""
        self.host, _, port = target.rpartition(":")
        self.port = int(port)
        self.requests = requests
        self.index = start
        self.period = 1 / rate
        self.phase = (start * 0.618034) % 1
        self.totals = totals
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Sends until cancelled."""
        clock = asyncio.get_running_loop().time
        pause, blocked_until = PAUSE_SECONDS[0], 0.0
        # A phase of its own keeps the streams from sending all at the same moment.
        due = clock() + self.period * self.phase
        try:
            while True:
                await asyncio.sleep(max(0.0, due - clock()))
                if clock() < blocked_until:
                    self.totals.missed += 1
                else:
                    try:
                        # Not wait_for: before Python 3.12 it loses a cancellation that comes with the answer.
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await self.send()
                        pause = PAUSE_SECONDS[0]
                    except (Lost, TimeoutError):
                        self.close()
                        blocked_until = clock() + pause
                        pause = min(pause * 2, PAUSE_SECONDS[1])
                due += self.period
                behind = int((clock() - due) / self.period)
                if behind > 0:
                    self.totals.missed += behind
                    due += behind * self.period
        finally:
            self.close()

    async def send(self) -> None:
        """Sends the next image and reads its answer; raises Lost."""
        if self.writer is None:
            try:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
            except OSError as error:
                self.totals.missed += 1
                raise Lost from error
        request = self.requests[self.index % len(self.requests)]
        self.index += 1
        try:
            self.writer.write(request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            await self.reader.readexactly(body_length(head))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self.totals.lost += 1
            raise Lost from error
        if head[9:12] == b"200":
            self.totals.answered += 1
        else:
            self.totals.refused += 1
        if b"\nconnection: close" in head.lower():
            self.close()

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self.writer is not None:
            self.writer.close()
        self.reader, self.writer = None, None


def body_length(head: bytes) -> int:
    """The Content-Length of an answer; raises ValueError where there is none."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")


def encoded_requests(path: Path) -> list[bytes]:
    """Every image as the bytes of one request, made once."""
    requests = []
    for pixels in json.loads(path.read_text(encoding="utf-8"))["images"]:
        body = json.dumps({"inputs": [pixels]}, separators=(",", ":")).encode()
        head = f"POST /v1/infer HTTP/1.1\r\nHost: runtime\r\nContent-Length: {len(body)}\r\n\r\n"
        requests.append(head.encode() + body)
    return requests


def read_targets(text: str) -> list[str]:
    """Targets separated by commas or white space."""
    targets = text.replace(",", " ").split()
    for target in targets:
        if not target.rpartition(":")[2].isdigit():
            raise ValueError(f"a target is host:port, not {target!r}")
    return targets


class Feed:
    """All streams; the set of targets may change while they run."""

    def __init__(self, requests: list[bytes], rate: float) -> None:
        """Prepares a feed without targets."""
        self.requests = requests
        self.rate = rate
        self.totals: dict[str, Totals] = {}
        self.tasks: dict[str, asyncio.Task] = {}

    def retarget(self, targets: Iterable[str]) -> None:
        """Starts streams to new targets and ends those to targets that are gone."""
        wanted = dict.fromkeys(targets)
        for target in wanted:
            if target in self.tasks:
                continue
            totals = self.totals.setdefault(target, Totals())
            # Starts spread over the images by the golden ratio, so that any number of streams lies apart.
            start = int(len(self.requests) * ((len(self.totals) * 0.618034) % 1))
            stream = Stream(target, self.requests, start, self.rate, totals)
            self.tasks[target] = asyncio.create_task(stream.run())
        for target in [target for target in self.tasks if target not in wanted]:
            self.tasks.pop(target).cancel()

    async def run(self, arguments: argparse.Namespace) -> None:
        """Feeds until told to stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.retarget(read_targets(arguments.targets or ""))
        while not stop.is_set():
            if arguments.targets_file:
                try:
                    self.retarget(read_targets(arguments.targets_file.read_text(encoding="utf-8")))
                except (OSError, ValueError):
                    # The file is missing or half written; the targets known so far stay.
                    pass
            try:
                async with asyncio.timeout(REREAD_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


def main() -> None:
    """Feeds and prints the totals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--targets", help="runtimes as host:port, separated by commas")
    where.add_argument("--targets-file", type=Path, help="a file with runtimes, looked at again every second")
    parser.add_argument("--rate", type=float, default=10, help="images per second and runtime (default 10)")
    parser.add_argument("--images", type=Path, required=True, help="stream.json, as train.py writes it")
    arguments = parser.parse_args()
    if not 0 < arguments.rate <= 1000:
        parser.error("--rate must be more than 0 and at most 1000")
    try:
        read_targets(arguments.targets or "")
        requests = encoded_requests(arguments.images)
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"{error}")
    feed = Feed(requests, arguments.rate)
    asyncio.run(feed.run(arguments))
    everything = Totals()
    for totals in feed.totals.values():
        for name, value in asdict(totals).items():
            setattr(everything, name, getattr(everything, name) + value)
    targets = {target: asdict(totals) for target, totals in feed.totals.items()}
    print(json.dumps({"total": asdict(everything), "targets": targets}))


if __name__ == "__main__":
    main()
