#!/usr/bin/env python3
"""Checks an OpenAPI document: openapi.py FILE-OR-URL. Needs openapi-spec-validator (PyPI); exits 1 with what is wrong."""

import sys
import urllib.request

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator


def read(place: str) -> dict:
    """The document at a path or an http(s) address."""
    if place.startswith(("http://", "https://")):
        with urllib.request.urlopen(place, timeout=10) as reply:
            return yaml.safe_load(reply)
    with open(place, "rb") as file:
        return yaml.safe_load(file)


def faults(document: dict) -> list[str]:
    """What the validator finds, one sentence each."""
    found = OpenAPIV31SpecValidator(document).iter_errors()
    return ["{}: {}".format("/".join(map(str, fault.absolute_path)) or "document", fault.message) for fault in found]


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: openapi.py FILE-OR-URL", file=sys.stderr)
        return 2
    document = read(sys.argv[1])
    wrong = faults(document)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    operations = sum(method in {"get", "put", "post", "patch", "delete"} for item in document["paths"].values() for method in item)
    print(f"{operations} operations on {len(document['paths'])} paths, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
