"""Twenty-four devices: an agent with a real model runtime each, and a steady stream of real images."""

from pathlib import Path

from .processes import Processes, free_ports

SIZE = 24
SITES = ("berlin", "oslo", "turin")
HARDWARE = ("nano", "orin")
FIRST_PORT = 19_100
RATE = 10
"""Images per second and device."""


class Fleet:
    """The devices of the demonstration."""

    def __init__(self, programs: Path, python: str, example: Path, directory: Path) -> None:
        """Names the agent program, the runtime's interpreter and directory, and where devices keep their state."""
        self.agent = str(programs / "edge-agent")
        self.python = python
        self.example = example
        self.directory = directory
        self.ports = free_ports([FIRST_PORT + index for index in range(SIZE)])

    def start(self, processes: Processes, token: str) -> None:
        """Starts every agent; each joins the fleet with the token."""
        token_file = self.directory / "token"
        token_file.touch(mode=0o600)
        token_file.write_text(token, encoding="utf-8")
        for index, port in enumerate(self.ports):
            device = f"device-{index + 1:02}"
            runtime = f"{self.python} {self.example / 'runtime.py'} --model-dir {{model_dir}} --port {{port}}"
            processes.start(device, [
                self.agent, "run", "--state", str(self.directory / device), "--device", device, "--model", "digits",
                "--label", f"site={SITES[index % len(SITES)]}", "--label", f"hw={HARDWARE[index % len(HARDWARE)]}",
                "--token-file", str(token_file), "--runtime-command", runtime, "--runtime-port", str(port),
                "--reload-path", "/v1/reload", "--probation-seconds", "5",
            ])

    def feed(self, processes: Processes, images: Path) -> None:
        """Starts the stream of images to every runtime."""
        targets = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        processes.start("feed", [
            self.python, str(self.example / "feed.py"), "--targets", targets, "--rate", str(RATE),
            "--images", str(images),
        ])
