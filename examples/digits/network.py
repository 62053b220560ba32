"""Writes a fully connected classifier as an ONNX model that takes raw pixels."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PIXELS = 64
"""Pixels of one image: 8 by 8, rows first."""


@dataclass(frozen=True)
class Export:
    """How a trained network becomes a model file."""

    divisor: float
    """What the model divides each pixel by before its first layer; training divided by the largest pixel value."""
    precision: type = np.float32
    """The type in which the model computes."""


def write_model(path: str, weights: list[np.ndarray], biases: list[np.ndarray], export: Export) -> None:
    """Writes `pixels` [n, 64] to `probabilities` [n, classes] with one ReLU layer per matrix but the last."""
    nodes, constants, current = [], [], "pixels"

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value.astype(export.precision), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    if export.precision is not np.float32:
        element = helper.np_dtype_to_tensor_dtype(np.dtype(export.precision))
        current = node("Cast", [current], "pixels_cast", to=element)
    current = node("Div", [current, constant("pixel_divisor", np.array(export.divisor))], "scaled")
    for layer, (weight, bias) in enumerate(zip(weights, biases)):
        names = [current, constant(f"weight_{layer}", weight), constant(f"bias_{layer}", bias)]
        current = node("Gemm", names, f"layer_{layer}")
        if layer < len(weights) - 1:
            current = node("Relu", [current], f"active_{layer}")
    current = node("Softmax", [current], "softmax", axis=1)
    node("Cast", [current], "probabilities", to=TensorProto.FLOAT)

    classes = biases[-1].shape[0]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", PIXELS])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", classes])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
