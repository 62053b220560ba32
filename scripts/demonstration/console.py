"""What the demonstration says: lines with the time since its start, and bars while something takes long."""

import sys
import time

BAR_COLUMNS = 24


class Console:
    """Tells a story on standard output; bars are drawn on a terminal only."""

    def __init__(self) -> None:
        """Starts the clock."""
        self.started = time.monotonic()
        self.is_terminal = sys.stdout.isatty()
        self._bar = False

    def restart_clock(self) -> None:
        """Counts from now on."""
        self.started = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def heading(self, text: str) -> None:
        """A new chapter."""
        self._clear()
        print(f"\n{self._styled(text, '1')}", flush=True)

    def tell(self, text: str, style: str = "plain") -> None:
        """One event, behind the time."""
        self._clear()
        code = {"plain": "", "good": "32", "bad": "31", "notice": "33", "faint": "2"}[style]
        print(f"{self.seconds():6.1f}s  {self._styled(text, code)}", flush=True)

    def plain(self, text: str = "") -> None:
        """A line without a time."""
        self._clear()
        print(text, flush=True)

    def bar(self, title: str, done: float, whole: float, note: str = "") -> None:
        """How much of something is done; replaced by whatever is said next."""
        if not self.is_terminal:
            return
        share = min(1.0, max(0.0, done / whole)) if whole > 0 else 0.0
        filled = int(share * BAR_COLUMNS)
        drawn = "█" * filled + "░" * (BAR_COLUMNS - filled)
        sys.stdout.write(f"\r\x1b[K{self.seconds():6.1f}s  {title:<12} {drawn}  {note}"[:160])
        sys.stdout.flush()
        self._bar = True

    def _clear(self) -> None:
        if self._bar:
            sys.stdout.write("\r\x1b[K")
            self._bar = False

    def _styled(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if code and self.is_terminal else text
