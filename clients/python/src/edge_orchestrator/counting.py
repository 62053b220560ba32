"""Exactly-once counting of one process: running totals per version, and what the controller has for good."""

from __future__ import annotations

import copy
import math
import threading
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import Any

BOUNDS_SEC = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latency buckets, the same on every device; one more bucket holds everything slower."""
RING_LIMIT = 512
"""Heartbeats that may wait for their acknowledgement; a forgotten one costs a repetition."""
REPORT_LIMIT = 8
"""Series in one heartbeat."""


def zero() -> dict[str, Any]:
    """Totals of nothing."""
    return {"requests": 0, "failures": {}, "latencyBuckets": [0] * (len(BOUNDS_SEC) + 1), "latencySumMicroseconds": 0}


@dataclass
class _Series:
    model: str
    digest: str
    start: int
    totals: dict[str, Any] = field(default_factory=zero)
    acknowledged: dict[str, Any] = field(default_factory=zero)
    is_open: bool = True


class CounterBook:
    """What was counted and what is acknowledged; safe to use from several threads."""

    def __init__(self) -> None:
        """Counts nothing yet."""
        self._lock = threading.Lock()
        self._series: list[_Series] = []
        self._ring: deque[tuple[int, dict[int, dict[str, Any]]]] = deque(maxlen=RING_LIMIT)
        self._sends_base = True

    def began(self, model: str, digest: str, start: int) -> None:
        """Begins a series; those of the model before it have ended."""
        with self._lock:
            for series in self._series:
                series.is_open = series.is_open and series.model != model
            self._series.append(_Series(model, digest, start))

    def count(self, latency_sec: float, failure: str | None, confidence: float | None) -> None:
        """Counts one inference of the newest series; nothing where there is none."""
        with self._lock:
            if not self._series or not self._series[-1].is_open:
                return
            totals = self._series[-1].totals
            totals["requests"] += 1
            totals["latencySumMicroseconds"] += max(0, int(latency_sec * 1_000_000))
            totals["latencyBuckets"][bisect_left(BOUNDS_SEC, latency_sec)] += 1
            if failure:
                totals["failures"][failure] = totals["failures"].get(failure, 0) + 1
            if confidence is not None and math.isfinite(confidence):
                # How many, what raised their sum, what lowered it.
                mean = totals.setdefault("means", {}).setdefault("confidence", [0, 0.0, 0.0])
                mean[0] += 1
                mean[1 if confidence >= 0 else 2] += abs(confidence)

    def report(self, sequence: int) -> list[dict[str, Any]]:
        """What a heartbeat carries; it is remembered until acknowledged."""
        with self._lock:
            chosen = self._series[:REPORT_LIMIT]
            self._ring.append((sequence, {series.start: copy.deepcopy(series.totals) for series in chosen}))
            rows = []
            for series in chosen:
                row = {"model": series.model, "digest": series.digest, "start": series.start,
                       "totals": copy.deepcopy(series.totals), "gaps": 0}
                if self._sends_base:
                    row["base"] = copy.deepcopy(series.acknowledged)
                rows.append(row)
            return rows

    def acknowledged(self, through: int, wants_base: bool) -> None:
        """Takes in a reply: every heartbeat up to `through` is counted for good."""
        with self._lock:
            self._sends_base = wants_base
            while self._ring and self._ring[0][0] <= through:
                _, sent = self._ring.popleft()
                for series in self._series:
                    series.acknowledged = sent.get(series.start, series.acknowledged)
            self._series = [
                series for series in self._series if series.is_open or series.totals != series.acknowledged]
