"""Runs the demonstration; see scripts/demo."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from .processes import Failure
from .story import Settings, Story


def settings() -> Settings:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--programs", type=Path, required=True, help="directory of the three programs")
    parser.add_argument("--python", required=True, help="interpreter with the example's requirements")
    parser.add_argument("--servers", type=Path, required=True, help="directory of Prometheus and Alertmanager")
    parser.add_argument("--directory", type=Path, required=True, help="everything the demonstration keeps")
    parser.add_argument("--harmless", action="store_true", help="roll out the running version under another name")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    told = parser.parse_args()
    return Settings(
        told.programs, told.python, told.servers, told.directory.resolve(), told.harmless, told.keep)


def interrupted(_number: int, _frame: object) -> None:
    """Ends the demonstration as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Tells the story and always cleans up; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    told = settings()
    story = Story(told)
    kept = False
    status = 1
    try:
        status = 0 if story.tell() else 1
        story.result["verdict"] = "right" if status == 0 else "wrong"
        if told.keep:
            kept = True
    except Failure as failure:
        story.console.plain()
        print(f"error: {failure}", file=sys.stderr)
        story.result["verdict"] = "failed"
    except KeyboardInterrupt:
        story.console.plain("\ninterrupted; ending everything that was started")
        return 130
    finally:
        # A second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if not kept:
            story.end()
    if kept:
        story.where_to_look()
        story.console.plain("end it with   scripts/demo --end")
    else:
        story.console.plain(f"\neverything is ended; logs and data stay in {told.directory}")
    print(json.dumps(story.result), flush=True)
    return status


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
