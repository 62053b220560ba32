"""What the runtime counts, as Prometheus text."""

import threading
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latency buckets, in seconds."""

REASONS = ("invalid", "bad_request", "internal")
"""Why a request counts as failed; every series exists from the start, at zero."""


@dataclass
class VersionCounts:
    """Running totals of one version since the process started."""

    requests: int = 0
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    duration_sum: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    confidence_sum: float = 0.0
    confidence_count: int = 0


class Counters:
    """All totals of the process, by version; a reload adds a version and resets nothing."""

    def __init__(self, started: float) -> None:
        """Starts at zero; `started` is in seconds since 1970."""
        self._started = started
        self._lock = threading.Lock()
        self._versions: defaultdict[str, VersionCounts] = defaultdict(VersionCounts)

    def announce(self, version: str, classes: list) -> None:
        """Shows a version's series at zero before its first request."""
        with self._lock:
            counts = self._versions[version]
            counts.answers = {str(label): 0 for label in classes} | counts.answers

    def answered(self, version: str, seconds: float, answers: list[tuple[object, float]], invalid: bool) -> None:
        """Counts one answered request with its classes and their probabilities.

        It is `invalid` where any of its answers cannot be used.
        """
        with self._lock:
            counts = self._versions[version]
            counts.requests += 1
            counts.failures["invalid"] += invalid
            counts.buckets[bisect_left(BOUNDS, seconds)] += 1
            counts.duration_sum += seconds
            for label, probability in answers:
                counts.answers[str(label)] = counts.answers.get(str(label), 0) + 1
                counts.confidence_sum += probability
            counts.confidence_count += len(answers)

    def failed(self, version: str, reason: str, seconds: float) -> None:
        """Counts one request that got no answer."""
        with self._lock:
            counts = self._versions[version]
            counts.requests += 1
            counts.failures[reason] += 1
            counts.buckets[bisect_left(BOUNDS, seconds)] += 1
            counts.duration_sum += seconds

    def text(self, current_version: str, current_path: str) -> str:
        """The Prometheus text format, version 0.0.4."""
        with self._lock:
            shown = sorted(self._versions.items())
            families = [
                _family("inference_requests_total", "counter", "Finished requests, failed ones included.", [
                    (f'{{version="{_escaped(version)}"}}', counts.requests) for version, counts in shown
                ]),
                _family("inference_failures_total", "counter", "Failed requests by reason.", [
                    (f'{{version="{_escaped(version)}",reason="{reason}"}}', count)
                    for version, counts in shown for reason, count in counts.failures.items()
                ]),
                _family("inference_duration_seconds", "histogram", "Time from the request to its answer.", [
                    sample for version, counts in shown for sample in _histogram(_escaped(version), counts)
                ]),
                _family("inference_answers_total", "counter", "Answers by class.", [
                    (f'{{version="{_escaped(version)}",class="{_escaped(label)}"}}', count)
                    for version, counts in shown for label, count in counts.answers.items()
                ]),
                _family("inference_confidence", "summary", "Probability of the most probable class.", [
                    sample for version, counts in shown for sample in (
                        (f'_sum{{version="{_escaped(version)}"}}', counts.confidence_sum),
                        (f'_count{{version="{_escaped(version)}"}}', counts.confidence_count),
                    )
                ]),
            ]
        info = f'{{version="{_escaped(current_version)}",path="{_escaped(current_path)}"}}'
        families.append(_family("model_info", "gauge", "The version in service; always 1.", [(info, 1)]))
        families.append(_family(
            "process_start_time_seconds", "gauge", "Start of the process since 1970 in seconds.",
            [("", self._started)],
        ))
        return "".join(families)


def _family(name: str, kind: str, help_text: str, samples: list[tuple[str, float]]) -> str:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _histogram(version: str, counts: VersionCounts) -> list[tuple[str, float]]:
    samples, total = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts.buckets):
        total += count
        samples.append((f'_bucket{{version="{version}",le="{bound}"}}', total))
    samples.append((f'_sum{{version="{version}"}}', counts.duration_sum))
    samples.append((f'_count{{version="{version}"}}', total))
    return samples


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
