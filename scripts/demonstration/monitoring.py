"""A real Prometheus with the shipped rules, and a real Alertmanager."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .processes import Processes

SCRAPE_SECONDS = 2


class Monitoring:
    """Prometheus and Alertmanager of the demonstration."""

    def __init__(self, servers: Path, directory: Path, rules: Path, ports: tuple[int, int]) -> None:
        """Names the programs, a directory for their data, the shipped rules, and their ports."""
        self.servers = servers
        self.directory = directory
        self.rules = rules
        self.prometheus = f"http://127.0.0.1:{ports[0]}"
        self.alertmanager = f"http://127.0.0.1:{ports[1]}"

    def start(self, processes: Processes, metrics_address: str) -> None:
        """Starts both; the job's name is the one that the rules are written for."""
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"},
            "rule_files": [str(self.rules / "*.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_address(self.alertmanager)]}]}]},
            "scrape_configs": [
                {"job_name": "edge-orchestrator", "static_configs": [{"targets": [metrics_address]}]},
                {"job_name": "prometheus", "static_configs": [{"targets": [_address(self.prometheus)]}]},
            ],
        }
        routing = {"route": {"receiver": "nobody", "group_wait": "1s"}, "receivers": [{"name": "nobody"}]}
        # JSON is YAML.
        for name, value in (("prometheus.yml", configuration), ("alertmanager.yml", routing)):
            (self.directory / name).write_text(json.dumps(value, indent=2), encoding="utf-8")
        processes.start("alertmanager", [
            str(self.servers / "prometheus-alertmanager"), f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'alertmanager'}", "--cluster.listen-address=",
            f"--web.listen-address={_address(self.alertmanager)}",
        ], directory=self.servers.parent / "share" / "prometheus")
        processes.start("prometheus", [
            str(self.servers / "prometheus"), f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'prometheus'}",
            f"--web.listen-address={_address(self.prometheus)}",
        ])

    def are_ready(self) -> bool:
        """Whether both answer."""
        return all(_text(url) is not None for url in (self.prometheus + "/-/ready", self.alertmanager + "/-/ready"))

    def value(self, query: str) -> float | None:
        """The first value of an instant query; None without one."""
        text = _text(self.prometheus + "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        result = json.loads(text)["data"]["result"] if text else []
        return float(result[0]["value"][1]) if result else None

    def rules_loaded(self) -> int:
        """How many rules Prometheus has loaded."""
        text = _text(self.prometheus + "/api/v1/rules")
        return sum(len(group["rules"]) for group in json.loads(text)["data"]["groups"]) if text else 0

    def alerts(self) -> set[str]:
        """The names of the alerts that reached Alertmanager."""
        text = _text(self.alertmanager + "/api/v2/alerts")
        return {alert["labels"]["alertname"] for alert in json.loads(text)} if text else set()


def _address(url: str) -> str:
    return url.removeprefix("http://")


def _text(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (OSError, urllib.error.URLError):
        return None
