"""A database of either kind under a load: what it was asked, and what the same rows cost without the controller."""

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "faults"))

from database import Server  # noqa: E402

UPSERT = """
INSERT INTO telemetry (device, document) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET document = excluded.document
"""
PEER = "CREATE TABLE telemetry (device text COLLATE {bytewise} PRIMARY KEY NOT NULL, document text NOT NULL)"
"""The table that the same rows are put into without the controller."""
DEFAULTS = """
shared_buffers = 128MB
max_wal_size = 1GB
log_line_prefix = '%d '
"""
"""PostgreSQL's own defaults where the server of the tests has smaller ones; its log names the database."""

Rows = list[tuple[str, str]]


class Load:
    """The program `edge-load` on one database."""

    def __init__(self, program: Path, devices: int, database: str, environment: dict[str, str] | None = None) -> None:
        """Starts it; its fleet is there, with a rollout under way."""
        self._process = subprocess.Popen(
            [str(program), "--devices", str(devices), "--database", database], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self._answer()

    def order(self, *words: object) -> dict[str, float]:
        """Carries one order out."""
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"edge-load ended with {self._process.wait()}")
        return json.loads(line)

    def forget_peak(self) -> float:
        """Measures the most memory from now on; what it has now, in MiB."""
        Path("/proc", str(self._process.pid), "clear_refs").write_text("5", encoding="ascii")
        return self._memory("VmRSS")

    def peak(self) -> float:
        """The most memory that it had, in MiB."""
        return self._memory("VmHWM")

    def processor_seconds(self) -> float:
        """The time of processors that it has used, its database's client included, in seconds."""
        fields = Path("/proc", str(self._process.pid), "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, name: str) -> float:
        text = Path("/proc", str(self._process.pid), "status").read_text(encoding="ascii")
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(name + ":"))

    def end(self) -> None:
        """Ends it."""
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


class SQLite:
    """SQLite: a file, asked by its own trace."""

    name = "SQLite"

    def __init__(self, program: Path, directory: Path) -> None:
        """Nothing is made yet."""
        self._program, self._directory = program, directory
        self._trace = directory / "statements"
        self._database = directory / "none"
        self._peer: sqlite3.Connection | None = None
        self._number = 0

    def load(self, devices: int, counts: bool) -> Load:
        """A load on a fresh database."""
        self._number += 1
        self._database = self._directory / f"load-{self._number}.sqlite"
        return Load(self._program, devices, str(self._database), self._counting() if counts else None)

    def _counting(self) -> dict[str, str]:
        library = self._directory / "count_statements.so"
        if not library.exists():
            subprocess.run(
                ["clang", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "count_statements.c"), "-lsqlite3"],
                check=True)
        self._trace.write_bytes(b"")
        return {"LD_PRELOAD": str(library), "STATEMENTS": str(self._trace)}

    def statements(self) -> Counter:
        """How often each statement was carried out so far."""
        return Counter(text.decode() for text in self._trace.read_bytes().split(b"\0")[:-1])

    def rows(self) -> Rows:
        """What the tick left of every device."""
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as database:
            return database.execute("SELECT device, document FROM telemetry ORDER BY device").fetchall()

    def upsert(self, rows: Rows) -> float:
        """Seconds for one prepared upsert of each row in a transaction, as durable as the controller's."""
        if self._peer is None:
            self._peer = sqlite3.connect(self._directory / "peer.sqlite", isolation_level=None)
            self._peer.execute("PRAGMA journal_mode = WAL")
            self._peer.execute("PRAGMA synchronous = FULL")
            self._peer.execute(PEER.format(bytewise="BINARY"))
        began = time.perf_counter()
        self._peer.execute("BEGIN")
        self._peer.executemany(UPSERT, rows)
        self._peer.execute("COMMIT")
        return time.perf_counter() - began

    def end(self) -> None:
        """Closes what is open."""
        if self._peer:
            self._peer.close()


class PostgreSQL:
    """A private PostgreSQL server, asked by its own log."""

    name = "PostgreSQL"

    def __init__(self, program: Path, directory: Path) -> None:
        """Starts it."""
        self._program, self._directory = program, directory
        self._server = Server(DEFAULTS)
        self._server.sql("CREATE DATABASE peer")
        self._number = 0
        self._psql(self._address("peer"), PEER.format(bytewise='"C"'))

    def _address(self, database: str) -> str:
        return self._server.address.replace("/postgres?", f"/{database}?")

    def load(self, devices: int, counts: bool) -> Load:
        """A load on a fresh database."""
        self._number += 1
        self._server.sql(f"CREATE DATABASE load_{self._number}")
        if counts:
            self._server.sql(f"ALTER DATABASE load_{self._number} SET log_statement = 'all'")
        return Load(self._program, devices, self._address(f"load_{self._number}"))

    def statements(self) -> Counter:
        """How often each statement was carried out so far."""
        log = (self._server.directory / "server.log").read_text(encoding="utf-8")
        # Lines after the first of a statement begin with a tab.
        found = re.findall(
            rf"^load_{self._number} LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)", log, re.MULTILINE)
        return Counter(text.replace("\n\t", "\n") for text in found)

    def rows(self) -> Rows:
        """What the tick left of every device."""
        text = self._psql(
            self._address(f"load_{self._number}"),
            "COPY (SELECT device, document FROM telemetry ORDER BY device) TO STDOUT (FORMAT csv)")
        return [(device, document) for device, document in csv.reader(text.splitlines())]

    def upsert(self, rows: Rows) -> float:
        """Seconds for a COPY of the rows into a table of the session and one upsert from there, in a transaction."""
        path = self._directory / "rows.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        text = self._psql(
            self._address("peer"), "SELECT extract(epoch FROM clock_timestamp())", "BEGIN",
            "CREATE TEMPORARY TABLE fresh (LIKE telemetry) ON COMMIT DROP", f"\\copy fresh FROM '{path}' (FORMAT csv)",
            "INSERT INTO telemetry SELECT device, document FROM fresh"
            " ON CONFLICT (device) DO UPDATE SET document = excluded.document",
            "COMMIT", "SELECT extract(epoch FROM clock_timestamp())")
        began, ended = map(float, text.split())
        return ended - began

    @staticmethod
    def _psql(address: str, *commands: str) -> str:
        words = [word for command in commands for word in ("-c", command)]
        return subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", address, *words], capture_output=True, text=True,
            check=True, timeout=600).stdout

    def end(self) -> None:
        """Stops the server."""
        self._server.end()
