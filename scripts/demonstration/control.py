"""The controller as the demonstration uses it: edgectl for what a person would do, the API to follow what happens."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from .processes import Failure


class Control:
    """One controller, its operator key, and the programs."""

    def __init__(self, programs: Path, server: str, key: str) -> None:
        """Names the controller; nothing is sent yet."""
        self.edgectl_path = str(programs / "edgectl")
        self.server = server
        self.key = key

    def edgectl(self, *arguments: str) -> str:
        """Runs edgectl and returns what it printed; raises Failure with its own words."""
        environment = os.environ | {"EDGECTL_SERVER": self.server, "EDGECTL_KEY": self.key}
        done = subprocess.run(
            [self.edgectl_path, *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"edgectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def edgectl_status(self, *arguments: str) -> int:
        """Runs edgectl and returns its exit code."""
        environment = os.environ | {"EDGECTL_SERVER": self.server, "EDGECTL_KEY": self.key}
        return subprocess.run(
            [self.edgectl_path, *arguments], env=environment, capture_output=True, check=False).returncode

    def get(self, path: str) -> dict:
        """Asks the API; raises OSError where the controller does not answer."""
        request = urllib.request.Request(self.server + path, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def is_ready(self) -> bool:
        """Whether the controller can serve."""
        try:
            with urllib.request.urlopen(self.server + "/readyz", timeout=2):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def devices(self) -> list[dict]:
        """All devices."""
        return self.get("/v1/devices?limit=500")["items"]

    def rollout(self, rollout: str) -> dict:
        """One rollout."""
        return self.get(f"/v1/rollouts/{rollout}")

    def apply(self, manifest: Path, text: str) -> str | None:
        """Writes a file of declarations and applies it; returns the rollout that it started."""
        manifest.write_text(text, encoding="utf-8")
        outcomes = json.loads(self.edgectl("apply", "--accept-forecast", "-f", str(manifest), "-o", "json"))
        return next((one["rollout"] for one in outcomes if one.get("rollout")), None)
