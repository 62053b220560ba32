"""No secret appears in any log or process list."""

import json
from pathlib import Path

from bench import Bench, require, text_of
from fleet import longest_line
from report import Report


def after_all(bench: Bench, report: Report) -> None:
    """Looks through everything that the scenes before left behind."""
    for path in bench.directory.rglob("identity/enrol.json"):
        token = json.loads(path.read_text(encoding="utf-8")).get("deviceToken")
        if token:
            bench.secret(token)
    keys = [path for name in ("assignment.key", "ca.key", "server.key", "device.key") for path in bench.directory.rglob(name)]
    for path in keys:
        bench.secret(longest_line(path.read_text(encoding="ascii")))
    report.attempt("API keys, device and enrolment tokens, private keys: in logs", lambda: logs(bench))
    report.attempt("API keys, device and enrolment tokens, private keys: in process lists", lambda: processes(bench))


def logs(bench: Bench) -> str:
    """Searches every log file."""
    files = [path for path in bench.directory.rglob("*.log") if path.is_file()]
    sizes = 0
    for path in files:
        text = text_of(path)
        sizes += len(text)
        require_none(bench, text, str(path.relative_to(bench.directory)))
    require(bool(files), "there is no log: the check proves nothing")
    return f"none of {len(bench.secrets)} secrets in {len(files)} logs of {sizes // 1024} KiB"


def processes(bench: Bench) -> str:
    """Searches every command line that was seen while the scenes ran."""
    lines = list(bench.seen_commands.lines)
    for line in lines:
        require_none(bench, line, "the command " + " ".join(Path(word).name for word in line.split()[:3]))
    require(any("edge-agent" in line for line in lines), "no agent was seen: the check proves nothing")
    return f"none of {len(bench.secrets)} secrets in {len(lines)} command lines"


def require_none(bench: Bench, text: str, place: str) -> None:
    """Fails where a text holds a secret; the secret itself is not shown."""
    for secret in bench.secrets:
        require(secret not in text, f"{place} shows a secret that begins with {secret[:6]}")
