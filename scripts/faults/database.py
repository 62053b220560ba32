"""A private PostgreSQL server, what is done to it, and a controller that keeps its state there."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from bench import ROOT, Bench, Failed, wait_for
from fleet import Controller

SCRIPT = ROOT / "scripts" / "lib" / "postgres.sh"


class Server:
    """One cluster in a directory of its own; it ends with this process at the latest."""

    def __init__(self, settings: str = "") -> None:
        """Makes and starts it; `settings` is added to its configuration."""
        # Not below the bench's directory: a socket's path is short, and the server runs as another user.
        self.directory = Path(tempfile.mkdtemp(prefix="edge-postgres-"))
        self.address = self.start()
        if settings:
            with open(self.directory / "data" / "postgresql.conf", "a", encoding="ascii") as file:
                file.write(settings)
            self.stop()
            self.start()

    def start(self) -> str:
        """Starts it; its address."""
        return self._run("start", str(os.getpid())).strip()

    def stop(self, mode: str = "fast") -> None:
        """Stops it: `fast` as a restart does, `immediate` as a crash."""
        self._run("stop", mode)

    def kill(self) -> None:
        """Ends all its processes as `kill -9` does."""
        self._run("kill")

    def kill_at_once(self) -> list[int]:
        """The same without waiting for their end; their ids, for `wait_until_gone`."""
        ids = self.processes()
        for process in ids:
            os.kill(process, signal.SIGKILL)
        return ids

    def wait_until_gone(self, ids: list[int]) -> None:
        """A server does not start while one of another is left, even one that nobody has buried yet."""
        wait_for("the server is gone", lambda: not any(Path("/proc", str(one)).exists() for one in ids))

    def end(self) -> None:
        """Stops it and removes its directory."""
        self._run("end")

    def freeze(self) -> list[int]:
        """Lets none of its processes run on; their ids, for `thaw`."""
        ids = self.processes()
        for process in ids:
            os.kill(process, signal.SIGSTOP)
        return ids

    def thaw(self, ids: list[int]) -> None:
        """Lets them run on."""
        for process in ids:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def processes(self) -> list[int]:
        """The postmaster and all its children."""
        postmaster = int((self.directory / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, timeout=20).stdout.split()
        return [postmaster, *map(int, children)]

    def sql(self, text: str) -> str:
        """Carries out statements as the owner; what they print."""
        done = subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", self.address, "-c", text],
            capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def _run(self, action: str, *words: str) -> str:
        # Output by a file: what is started would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(SCRIPT), action, str(self.directory), *words], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.DEVNULL, timeout=120)
            output.seek(0)
            if done.returncode:
                raise Failed(f"postgres.sh {action} ended with {done.returncode}")
            return output.read()


class DatabaseController(Controller):
    """A controller on PostgreSQL."""

    def __init__(self, bench: Bench, name: str, server: Server) -> None:
        """Serves it."""
        self.server = server
        super().__init__(bench, name)

    @property
    def serve_environment(self) -> dict[str, str]:
        """Names the database."""
        return {"EDGE_CONTROLLER_DATABASE": self.server.address}

    def resident_kib(self) -> int:
        """The memory that its process has."""
        text = Path("/proc", str(self.process.pid), "status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))
