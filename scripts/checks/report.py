#!/usr/bin/env python3
"""Opens a report page in a browser and checks what it does there.

    scripts/checks/report.py REPORT.html [--browser PATH]

The page must load without a message on the console or a request to anywhere, show its text, draw its pictures, look
different in the light and in the dark, and print on one or two pages. Whatever its names try, nothing of theirs may run.
Needs Chromium. Exits 1 with what is wrong.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_SECONDS = 120
# What every report shows, whatever it is about.
TEXTS = ("What happened when", "What was measured", "To judge it again", "edgectl rollout explain")
PAGES_AT_MOST = 2
# A page that is the same file in the light and in the dark; only the browser's wish differs.
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"


class Page(HTMLParser):
    """The tags and texts of a page as a browser understood it."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.handlers, self.links = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(f"<{tag} {name}>")
            if name in ("src", "href", "xlink:href", "action") and value != "data:,":
                self.links.append(f"<{tag} {name}={value}>")

    def handle_data(self, data):
        self.texts.append(data)


class Browser:
    """A headless Chromium with a profile of its own."""

    def __init__(self, program: str, folder: Path):
        self.program, self.folder, self.runs = program, folder, 0

    def open(self, page: Path, *flags: str) -> subprocess.CompletedProcess:
        """Loads the page and ends."""
        self.runs += 1
        command = [
            self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", "--no-pings", f"--user-data-dir={self.folder / f'profile-{self.runs}'}",
            "--enable-logging=stderr", "--log-level=0", *flags, page.resolve().as_uri(),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def main() -> int:
    """Checks the page and prints the result."""
    options = read_options()
    program = options.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        print("report.py: there is no Chromium here; install the package chromium", file=sys.stderr)
        return 2
    page = Path(options.report)
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(program, Path(folder))
        faults = shown(browser, page) + drawn(browser, page, Path(folder)) + printed(browser, page, Path(folder))
    for fault in faults:
        print(f"{page.name}: {fault}", file=sys.stderr)
    print(f"{page.name}: {page.stat().st_size} bytes, {len(faults)} fault(s)")
    return 1 if faults else 0


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", help="the page")
    parser.add_argument("--browser", help="the Chromium to use (default: the one in PATH)")
    return parser.parse_args()


def shown(browser: Browser, page: Path) -> list:
    """Faults of what the browser made of the page, said on its console, and asked the network for."""
    log = browser.folder / "net.json"
    run = browser.open(page, "--dump-dom", f"--log-net-log={log}", "--virtual-time-budget=2000")
    if run.returncode != 0 or "<html" not in run.stdout:
        return [f"the browser ended with {run.returncode}: {run.stderr[-300:]}"]
    dom = Page(run.stdout)
    text = " ".join(" ".join(dom.texts).split())
    faults = [f"\"{wanted}\" is not shown" for wanted in TEXTS if wanted not in text]
    faults += [f"{tag} is on the page" for tag in ("script", "img", "iframe", "object", "embed") if tag in dom.tags]
    faults += [f"a handler runs: {handler}" for handler in dom.handlers]
    faults += [f"it points elsewhere: {link}" for link in dom.links]
    faults += [] if "svg" in dom.tags else ["nothing is drawn"]
    faults += [f"the console says: {line}" for line in re.findall(r"CONSOLE[^\"]*\"(.*)\"", run.stderr)]
    return faults + [f"it asks for {url}" for url in requests(log)]


def requests(log: Path) -> list:
    """The addresses that were asked for over a network while the page was open."""
    text = log.read_text(encoding="utf-8")
    try:
        events = json.loads(text)["events"]
    except json.JSONDecodeError:
        # The browser ends before it closes the list.
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    asked = [event["params"] for event in events if isinstance(event.get("params"), dict)]
    # What the browser asks for by itself has no page behind it and is "not an origin".
    urls = {one.get("url", "") for one in asked if one.get("initiator", "not an origin") != "not an origin"}
    return sorted(url for url in urls if re.match(r"(https?|wss?|ftp):", url))


def drawn(browser: Browser, page: Path, folder: Path) -> list:
    """Faults of its looks in the light and in the dark."""
    pictures = {}
    for name, flag in (("light", LIGHT), ("dark", DARK)):
        picture = folder / f"{name}.png"
        browser.open(page, flag, f"--screenshot={picture}", "--window-size=1100,1600")
        pictures[name] = picture.read_bytes() if picture.exists() else b""
    if not all(pictures.values()):
        return ["no picture could be taken of it"]
    return ["it looks the same in the light and in the dark"] if pictures["light"] == pictures["dark"] else []


def printed(browser: Browser, page: Path, folder: Path) -> list:
    """Faults of the page on paper."""
    paper = folder / "page.pdf"
    browser.open(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    if not paper.exists():
        return ["it cannot be printed"]
    count = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    return [] if 1 <= count <= PAGES_AT_MOST else [f"it prints on {count} pages, {PAGES_AT_MOST} at most are wanted"]


if __name__ == "__main__":
    sys.exit(main())
