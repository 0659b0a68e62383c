"""The trained network as ONNX, in full precision and with eight-bit weights.

The eight-bit variant quantizes weights only, one scale per output, and computes in full precision. Dynamic quantization
would also round activations by the largest one of a batch, so that a track's answer would depend on its neighbors.
"""

import copy
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.predictors.neural.network import FusionNetwork

OPSET = 17
#: Initializers of the heads, which fine-tuning replaces. They stay in full precision: all nine have 1,152 weights.
HEAD_WEIGHT, HEAD_BIAS = "heads.weight", "heads.bias"


def to_onnx(network: FusionNetwork) -> bytes:
    """The fusion network as ONNX: input `pooled` [n, input_width]; outputs `features` [n, 9] and `trunk` [n, 128]."""
    plain = copy.deepcopy(network).eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter in use is the one that needs no further package; torch announces another as its default.
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            plain,
            (torch.zeros(2, network.input_width),),
            path,
            input_names=["pooled"],
            output_names=["features", "trunk"],
            dynamic_axes={"pooled": {0: "n"}, "features": {0: "n"}, "trunk": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return path.read_bytes()


def quantize_weights(content: bytes) -> bytes:
    """The same graph with the weight matrices but the heads' as int8 and a scale for each output."""
    model = onnx.load_from_string(content)
    graph = model.graph
    for tensor in [t for t in graph.initializer if len(t.dims) == 2 and t.name != HEAD_WEIGHT]:
        quantized, scales = _quantized_rows(numpy_helper.to_array(tensor))
        graph.initializer.remove(tensor)
        stored: dict[str, NDArray[Any]] = {f"{tensor.name}.int8": quantized, f"{tensor.name}.scale": scales}
        graph.initializer.extend([numpy_helper.from_array(array, name) for name, array in stored.items()])
        graph.node.insert(0, helper.make_node("DequantizeLinear", list(stored), [tensor.name], axis=0))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def with_heads(content: bytes, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> bytes:
    """The same graph with other heads: weight [9, 128], bias [9]."""
    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        replacement = {HEAD_WEIGHT: weight, HEAD_BIAS: bias}.get(tensor.name)
        if replacement is not None:
            tensor.CopyFrom(numpy_helper.from_array(replacement.astype(np.float32), tensor.name))
    return bytes(model.SerializeToString())


def heads_of(content: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight [9, 128] and bias [9] of the heads."""
    found: dict[str, Any] = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(content).graph.initializer}
    return found[HEAD_WEIGHT].copy(), found[HEAD_BIAS].copy()


def _quantized_rows(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric quantization of a weight matrix [outputs, inputs], one scale per output."""
    largest = np.abs(matrix).max(axis=1)
    scales = (np.where(largest > 0, largest, 1.0) / 127).astype(np.float32)
    return np.rint(matrix / scales[:, None]).astype(np.int8), scales
