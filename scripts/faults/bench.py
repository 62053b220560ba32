"""The bench that faults are tried on: a directory, free ports, and every process that was started."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PORTS = range(20_000, 32_000)
"""Below the ports that the system gives to outgoing connections."""
PATIENCE = 180.0
"""Seconds to wait for what must happen at last where its time is no claim; a busy machine is slow."""


Value = TypeVar("Value")


class Failed(Exception):
    """An expectation that did not hold; the text says what was seen instead."""


def require(holds: bool, sentence: str) -> None:
    """Fails with the sentence unless the expectation holds."""
    if not holds:
        raise Failed(sentence)


def wait_for(what: str, look: Callable[[], Value], seconds: float = PATIENCE, pause: float = 0.1) -> Value:
    """The first true value that `look` returns; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)


class Bench:
    """Owns what the suite starts and makes, and takes it away again."""

    def __init__(self, binaries: Path, python: str, thorough: bool) -> None:
        """Makes a temporary directory; nothing is started yet."""
        self.binaries, self.python, self.thorough = binaries, python, thorough
        self.directory = Path(tempfile.mkdtemp(prefix="edge-faults-"))
        self.secrets: set[str] = set()
        self._processes: list[subprocess.Popen] = []
        self._lock = threading.Lock()
        self._ports: set[int] = set()
        self._is_closed = False
        self.seen_commands = CommandWatch(self.directory)

    def program(self, name: str) -> str:
        """The path of one of the product's programs."""
        return str(self.binaries / name)

    def free_port(self) -> int:
        """A port that nothing listens on and that nobody else here gets."""
        with self._lock:
            while True:
                port = random.choice(PORTS)
                if port in self._ports:
                    continue
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind(("127.0.0.1", port))
                    except OSError:
                        continue
                self._ports.add(port)
                return port

    def folder(self, *names: str) -> Path:
        """A directory under the bench's own, made where it is missing."""
        path = self.directory.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def start(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """Starts a process in a session of its own; its output is appended to the log."""
        with self._lock:
            if self._is_closed:
                raise Failed("the suite was stopped")
            with open(log, "ab") as output:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env={**os.environ, **(environment or {})})
            self._processes.append(process)
        return process

    def secret(self, text: str) -> str:
        """Remembers a secret that no log and no process list may show."""
        with self._lock:
            self.secrets.add(text.strip())
        return text.strip()

    def close(self, keeps: bool) -> None:
        """Ends everything that was started; the directory stays only where it is asked for."""
        with self._lock:
            self._is_closed = True
        self.seen_commands.stop()
        for process in self._processes:
            if process.poll() is None:
                _end_group(process, signal.SIGKILL)
        for process in self._processes:
            process.wait()
        if not keeps:
            shutil.rmtree(self.directory, ignore_errors=True)


def _end_group(process: subprocess.Popen, number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


class CommandWatch:
    """Collects the command lines of all processes that belong to a bench, as `ps` would show them."""

    def __init__(self, directory: Path) -> None:
        """Begins to look, several times a second."""
        self._mark = str(directory).encode()
        self.lines: set[str] = set()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(0.3):
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    self._look(entry)

    def _look(self, process: str) -> None:
        try:
            command = Path("/proc", process, "cmdline").read_bytes()
        except OSError:
            return
        if self._mark in command or b"edge" in command[:200]:
            self.lines.add(command.replace(b"\0", b" ").decode(errors="replace"))


def text_of(path: Path) -> str:
    """A log's text without the colours of terminals; empty where there is none yet."""
    try:
        return re.sub(r"\x1b\[[0-9;]*m", "", path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return ""
