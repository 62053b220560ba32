"""The examples of the documentation, as programs: only what is stated here is replaced in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ADDRESSES = ("https://orchestrator.example.com", "https://orch.example.com")
KEY = '"secret"'
"""The key of the examples."""


@dataclass
class Example:
    """One block of code and where it stands."""

    place: str
    language: str
    code: str

    def against(self, url: str, key: str) -> str:
        """The same code with a real address and a real key, and nothing else changed."""
        code = self.code.replace(KEY, f'"{key}"')
        for address in ADDRESSES:
            code = code.replace(address, url)
        return code


def examples(path: Path) -> list[Example]:
    """Every block of code of a page that names its language."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```([a-z-]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text[: match.start()].count("\n") + 1
        found.append(Example(f"{path.name}:{line}", match.group(1), match.group(2)))
    return found


def one(found: list[Example], language: str, *words: str) -> Example:
    """The one example in a language that has all of these words."""
    chosen = [row for row in found if row.language == language and all(word in row.code for word in words)]
    if len(chosen) != 1:
        raise AssertionError(f"{len(chosen)} {language} examples have {words}, not one")
    return chosen[0]
