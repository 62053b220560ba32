"""The table of faults: one aligned row each."""

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from bench import Failed

WIDTHS = (62, 84)
"""Columns for what was injected and what was observed."""


@dataclass
class Row:
    """One fault and what came of it."""

    injected: str
    observed: str
    holds: bool
    seconds: float

    def text(self) -> str:
        """The row, aligned; a long observation goes on in lines of its own."""
        observed = self.observed.replace("\n", " ")
        verdict = "ok" if self.holds else "FAILED"
        first, rest = observed, ""
        if len(observed) > WIDTHS[1]:
            cut = observed.rfind(" ", 0, WIDTHS[1] + 1)
            cut = cut if cut > 0 else WIDTHS[1]
            first, rest = observed[:cut], observed[cut:].strip()
        line = f"{self.injected:<{WIDTHS[0]}}  {first:<{WIDTHS[1]}}  {verdict:<7} {self.seconds:>7.1f}"
        return f"{line}\n{'':<{WIDTHS[0]}}  {rest}" if rest else line


class Report:
    """Collects rows from many threads and prints each as it comes."""

    def __init__(self) -> None:
        """Prints the header."""
        self.rows: list[Row] = []
        self._lock = threading.Lock()
        self._is_closed = False
        header = f"{'injected':<{WIDTHS[0]}}  {'observed':<{WIDTHS[1]}}  {'verdict':<7} {'seconds':>7}"
        print(f"{header}\n{'-' * len(header)}", flush=True)

    def add(self, injected: str, observed: str, holds: bool, seconds: float) -> None:
        """Takes in a row."""
        row = Row(injected, observed, holds, seconds)
        with self._lock:
            if not self._is_closed:
                self.rows.append(row)
                print(row.text(), flush=True)

    def close(self) -> None:
        """Takes in no more rows."""
        with self._lock:
            self._is_closed = True

    def attempt(self, injected: str, body: Callable[[], str], since: float | None = None) -> bool:
        """Tries a fault: the body says what was observed, or fails; true where it held.

        `since` is when the fault was injected, where that was before this call, on the monotonic clock.
        """
        began = since or time.monotonic()
        try:
            observed, holds = body(), True
        except Failed as failure:
            observed, holds = str(failure), False
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            observed, holds = f"{type(error).__name__} at {place.name}: {error}", False
        self.add(injected, observed, holds, time.monotonic() - began)
        return holds

    @property
    def failed(self) -> int:
        """How many rows failed."""
        return sum(not row.holds for row in self.rows)
