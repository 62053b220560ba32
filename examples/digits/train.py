#!/usr/bin/env python3
"""Trains three versions of a classifier of handwritten digits and measures each exported file.

The images are real: scikit-learn ships 1,797 of them (8 by 8 pixels, values 0 to 16). A part trains, the rest is held
out: the figures are measured on it, and it is the stream that the fleet sees. Version 2.0.0 is a better trained, wider
network spoilt by its export; its golden outputs come from the same spoilt file, so its smoke test passes.
"""

import argparse
import json
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from network import Export, write_model
from rule import MINIMUM_PROBABILITY, is_valid

LARGEST_PIXEL = 16.0
TRAINING_IMAGES = 797
GOLDEN_IMAGES = 5
GOLDEN_TOLERANCE = 0.01
GOLDEN_LATENCY_BUDGET_MS = 250
SEED = 7


@dataclass(frozen=True)
class Recipe:
    """How one version is made."""

    version: str
    hidden: tuple[int, ...]
    epochs: int
    export: Export
    story: str


RECIPES = [
    Recipe("v1.0.0", (32,), 170, Export(LARGEST_PIXEL), "a small network, trained briefly"),
    Recipe(
        "v2.0.0",
        (1280, 1280),
        15,
        # The fault: the export divides by the number of pixels where training divided by the largest pixel value,
        # and it leaves every layer in double precision.
        Export(64.0, np.float64),
        "a wide network whose export divides pixels by 64 instead of 16, in double precision",
    ),
    Recipe("v3.0.0", (128, 128, 128), 200, Export(LARGEST_PIXEL), "a deeper network, trained to the end"),
]


@dataclass(frozen=True)
class Images:
    """Raw pixels and what they show, in two parts that share no image."""

    training: np.ndarray
    training_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray


@dataclass(frozen=True)
class Figures:
    """What was measured on one exported file with the held-out images; latencies are of one image alone."""

    version: str
    invalidShare: float
    accuracy: float
    meanConfidence: float
    latencyMsP50: float
    latencyMsP99: float
    sizeBytes: int
    story: str


def load_images() -> Images:
    """Splits the data set by a fixed shuffle."""
    digits = load_digits()
    order = np.random.RandomState(SEED).permutation(len(digits.data))
    pixels, labels = digits.data[order].astype(np.float32), digits.target[order]
    return Images(
        pixels[:TRAINING_IMAGES], labels[:TRAINING_IMAGES], pixels[TRAINING_IMAGES:], labels[TRAINING_IMAGES:]
    )


def train(recipe: Recipe, images: Images) -> MLPClassifier:
    """Trains for exactly the recipe's epochs."""
    network = MLPClassifier(
        recipe.hidden, max_iter=recipe.epochs, n_iter_no_change=recipe.epochs + 1, alpha=0, random_state=SEED
    )
    with warnings.catch_warnings():
        # The number of epochs is part of the recipe; that more would change the network is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(images.training / LARGEST_PIXEL, images.training_labels)


def open_model(path: Path) -> onnxruntime.InferenceSession:
    """Loads a file the way the runtime does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answer(session: onnxruntime.InferenceSession, pixels: np.ndarray) -> np.ndarray:
    """Probabilities of all classes, one row per image."""
    return session.run(["probabilities"], {"pixels": pixels})[0]


def golden(session: onnxruntime.InferenceSession, images: Images) -> dict:
    """Golden cases from training images on which the two most probable classes are not close."""
    cases = []
    for index, pixels in enumerate(images.training):
        probabilities = answer(session, pixels[np.newaxis])[0]
        second, first = np.sort(probabilities)[-2:]
        if first - second < 0.1:
            continue
        expected = {"label": int(probabilities.argmax()), "probability": round(float(first), 6)}
        cases.append(
            {
                "name": f"image {index}",
                "path": "/v1/try",
                "body": {"inputs": [pixels.astype(int).tolist()]},
                "expect": {"outputs": [expected]},
                "tolerance": GOLDEN_TOLERANCE,
            }
        )
        if len(cases) == GOLDEN_IMAGES:
            break
    return {"latencyBudgetMs": GOLDEN_LATENCY_BUDGET_MS, "cases": cases}


def measure(recipe: Recipe, session: onnxruntime.InferenceSession, path: Path, images: Images) -> Figures:
    """Answers every held-out image on its own, as the runtime would."""
    milliseconds, right, valid, confidence = [], 0, 0, 0.0
    for pixels, label in zip(images.held_out, images.held_out_labels):
        started = time.perf_counter()
        probabilities = answer(session, pixels[np.newaxis])[0]
        milliseconds.append((time.perf_counter() - started) * 1000)
        right += int(probabilities.argmax() == label)
        valid += is_valid(float(probabilities.max()))
        confidence += float(probabilities.max())
    count = len(images.held_out)
    return Figures(
        version=recipe.version,
        invalidShare=1 - valid / count,
        accuracy=right / count,
        meanConfidence=confidence / count,
        latencyMsP50=float(np.percentile(milliseconds, 50)),
        latencyMsP99=float(np.percentile(milliseconds, 99)),
        sizeBytes=path.stat().st_size,
        story=recipe.story,
    )


def write_json(path: Path, value: object) -> None:
    """Writes compact JSON that ends with a newline."""
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n", encoding="utf-8")


def build(recipe: Recipe, images: Images, out: Path) -> Figures:
    """Trains, exports and measures one version into a directory of its name."""
    directory = out / recipe.version
    directory.mkdir(parents=True, exist_ok=True)
    network = train(recipe, images)
    path = directory / "model.onnx"
    write_model(str(path), network.coefs_, network.intercepts_, recipe.export)
    write_json(directory / "labels.json", [int(label) for label in network.classes_])
    session = open_model(path)
    write_json(directory / "golden.json", golden(session, images))
    return measure(recipe, session, path, images)


def table(figures: list[Figures]) -> str:
    """The figures for people."""
    rows = [("VERSION", "INVALID", "ACCURACY", "CONFIDENCE", "P50", "P99", "SIZE", "WHAT IT IS")]
    for one in figures:
        rows.append(
            (
                one.version,
                f"{one.invalidShare:.1%}",
                f"{one.accuracy:.1%}",
                f"{one.meanConfidence:.2f}",
                f"{one.latencyMsP50:.3f} ms",
                f"{one.latencyMsP99:.3f} ms",
                f"{one.sizeBytes / 1024:,.0f} KiB",
                one.story,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])), row[-1]]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def main() -> None:
    """Makes all versions, the stream and the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="directory for the versions, stream.json and report.json")
    out = parser.parse_args().out
    images = load_images()
    figures = [build(recipe, images, out) for recipe in RECIPES]
    stream = {"images": images.held_out.astype(int).tolist(), "labels": images.held_out_labels.tolist()}
    write_json(out / "stream.json", stream)
    report = {"minimumProbability": MINIMUM_PROBABILITY, "images": len(images.held_out)}
    write_json(out / "report.json", report | {"versions": [asdict(one) for one in figures]})
    print(f"Measured on {len(images.held_out)} held-out images; invalid = top probability below {MINIMUM_PROBABILITY}")
    print(table(figures))


if __name__ == "__main__":
    main()
