"""A loaded version of the model."""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from rule import is_valid

PIXELS = 64
IMAGES_LIMIT = 64
"""Images in one request."""


class BadInput(ValueError):
    """A request that no version could answer; the text is for the sender."""


class Model:
    """One version: the file as it was when it was loaded, whatever happens to the directory later."""

    def __init__(self, directory: str) -> None:
        """Loads `model.onnx` and `labels.json`; raises OSError, ValueError or the runtime's own error."""
        self.path = os.path.realpath(directory)
        self.version = os.path.basename(self.path)
        options = onnxruntime.SessionOptions()
        # Many runtimes share few cores, and one image is too little work to share among threads.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self.labels = json.loads((Path(self.path) / "labels.json").read_text(encoding="utf-8"))
        self.session = onnxruntime.InferenceSession(
            os.path.join(self.path, "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        # The first answer allocates; it must be neither a user's nor counted.
        probabilities = self.session.run(["probabilities"], {"pixels": np.zeros((1, PIXELS), np.float32)})[0]
        if probabilities.shape[1] != len(self.labels):
            raise ValueError(f"{self.path} has {len(self.labels)} labels for {probabilities.shape[1]} classes")

    def answer(self, pixels: np.ndarray) -> list[dict]:
        """The most probable label of each image, its probability, and whether it can be used."""
        probabilities = self.session.run(["probabilities"], {"pixels": pixels})[0]
        outputs = []
        for row in probabilities:
            best = int(row.argmax())
            probability = float(row[best])
            outputs.append(
                {"label": self.labels[best], "probability": round(probability, 6), "valid": is_valid(probability)}
            )
        return outputs


def parse_images(body: bytes) -> np.ndarray:
    """Reads `{"inputs": [[64 numbers], ...]}`; raises BadInput."""
    try:
        inputs = json.loads(body)["inputs"]
        pixels = np.array(inputs, dtype=np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f'send {{"inputs": [[{PIXELS} numbers], ...]}} as JSON: {error}') from error
    if pixels.ndim != 2 or pixels.shape[1] != PIXELS or not 1 <= pixels.shape[0] <= IMAGES_LIMIT:
        raise BadInput(f"inputs must be 1 to {IMAGES_LIMIT} images of {PIXELS} numbers, not of shape {pixels.shape}")
    if not np.isfinite(pixels).all():
        raise BadInput("inputs must be finite numbers")
    return pixels


@dataclass
class Slot:
    """The place that holds the version in service."""

    directory: str

    def __post_init__(self) -> None:
        """Loads the first version."""
        self._loading = threading.Lock()
        self.current = Model(self.directory)

    def reload(self) -> Model:
        """Loads what the directory points to now beside the version in service, then puts it in its place.

        Requests under way end on the version they began with. Where loading fails, the old version stays.
        """
        with self._loading:
            fresh = Model(self.directory)
            self.current = fresh
            return fresh
