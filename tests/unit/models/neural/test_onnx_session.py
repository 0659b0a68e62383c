"""Sessions of ONNX Runtime: few threads, typed errors."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from core.errors import ConfigurationError
from models.onnx_session import open_session


def doubling_model(opset: int = 17) -> bytes:
    """y = x + x."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_session_runs_on_one_thread() -> None:
    session = open_session(doubling_model())
    np.testing.assert_array_equal(session.run(None, {"x": np.float32([1, 2])})[0], [2, 4])
    assert session.get_session_options().intra_op_num_threads == 1


def test_more_threads_are_an_option() -> None:
    assert open_session(doubling_model(), threads=2).get_session_options().intra_op_num_threads == 2


@pytest.mark.parametrize(
    "content", [b"", b"no model", doubling_model()[:-7], doubling_model(opset=999)], ids=["empty", "text", "cut", "new"]
)
def test_what_cannot_be_loaded_is_told(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"some/model\.onnx") as caught:
        open_session(content, name="some/model.onnx")
    assert caught.value.code == "artifact-corrupt"
