"""Child processes that end with the demonstration, whatever ends it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

STOP_SECONDS = 8.0
"""How long a process may take to end before it is killed."""


class Failure(Exception):
    """Something the demonstration cannot go on without; the text says what to do."""


class Processes:
    """Everything that was started, each with a log of its own; stopped in the reverse order.

    Their ids are kept in a file as long as they run, so that they can be ended even where this program was killed.
    """

    def __init__(self, logs: Path, ids: Path) -> None:
        """Keeps logs in a directory and ids in a file."""
        self.logs = logs
        self.ids = ids
        self.running: list[tuple[str, subprocess.Popen]] = []

    def start(self, name: str, command: list[str], directory: Path | None = None) -> subprocess.Popen:
        """Starts a process in a session of its own, so that Ctrl-C reaches this program only."""
        log = open(self.logs / f"{name}.log", "ab")
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            cwd=directory,
        )
        log.close()
        self.running.append((name, process))
        with self.ids.open("a", encoding="utf-8") as file:
            file.write(f"{process.pid}\n")
        return process

    def check(self) -> None:
        """Raises Failure where a process has ended that should run."""
        for name, process in self.running:
            if process.poll() is not None:
                raise Failure(f"{name} ended with status {process.returncode}: {self.tail(name)}")

    def tail(self, name: str) -> str:
        """The last words of a process."""
        lines = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def stop(self) -> list[str]:
        """Ends everything; returns the names of those that had to be killed."""
        order = list(reversed(self.running))
        for _, process in order:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        killed = []
        for name, process in order:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                killed.append(name)
        for _, process in order:
            # A runtime outlives its agent only if the agent was killed; its session goes with it.
            _signal(process, signal.SIGKILL, group=True)
            process.wait()
        self.running = []
        self.ids.unlink(missing_ok=True)
        return killed


def _signal(process: subprocess.Popen, number: int, group: bool = False) -> None:
    try:
        if group:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)
    except ProcessLookupError:
        pass


def free_ports(wanted: list[int]) -> list[int]:
    """The wanted ports where they are free, else others, all on the loopback address."""
    held, ports = [], []
    for port in wanted:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        held.append(listener)
        ports.append(listener.getsockname()[1])
    for listener in held:
        listener.close()
    return ports


def wait_until(holds, seconds: float, otherwise: str, processes: Processes | None = None) -> None:
    """Waits for a condition; raises Failure after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if processes is not None:
            processes.check()
        if time.monotonic() > deadline:
            raise Failure(otherwise)
        time.sleep(0.2)
