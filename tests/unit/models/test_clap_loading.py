"""CLAP checkpoints that cannot be loaded say why, and devices that do not exist."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_clap import save_tiny_clap

from core.audio_settings import EmbedSettings
from core.errors import ConfigurationError
from models.clap.loading import load_clap

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_clap(tmp_path_factory.mktemp("clap") / "whole")


@pytest.fixture
def folder(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "checkpoint"))


def refusal(folder: Path, code: str = "embedder-unavailable", **settings: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_clap(EmbedSettings(clap_checkpoint=str(folder), **settings))  # type: ignore[arg-type]
    assert caught.value.code == code
    return caught.value.message


def test_missing_folder(tmp_path: Path) -> None:
    assert "MUSICSPACE_EMBED__CLAP_CHECKPOINT" in refusal(tmp_path / "missing")


def test_name_that_is_not_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigurationError, match="MUSICSPACE_EMBED__ALLOW_DOWNLOAD") as caught:
        load_clap(EmbedSettings(clap_checkpoint="musicspace-tests/no-such-checkpoint"))
    assert caught.value.code == "embedder-unavailable"


def test_pickled_weights_are_never_loaded(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    assert "safetensors" in refusal(folder)


def test_cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    assert str(folder) in refusal(folder)


def test_weights_that_are_something_else(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    refusal(folder)


def test_lacking_weights_are_not_replaced_by_random_ones(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights.pop("audio_projection.linear1.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "audio_projection.linear1.weight" in refusal(folder)


def test_weights_of_another_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = 32
    (folder / "config.json").write_text(json.dumps(config))
    refusal(folder)


def test_another_kind_of_model(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert "bert" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["", "[]", "{", None])
def test_broken_descriptions(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    refusal(folder)


def test_broken_tokenizer_leaves_audio_alone(folder: Path) -> None:
    for path in (*folder.glob("tokenizer*"), *folder.glob("vocab*"), *folder.glob("merges*")):
        path.unlink()
    embedder = load_clap(EmbedSettings(clap_checkpoint=str(folder), device="cpu"))
    with pytest.raises(ConfigurationError) as caught:
        embedder.embed_text(["piano"])
    assert caught.value.code == "embedder-unavailable"


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "mps", "cpu:x"])
def test_device_that_is_not_there(whole: Path, device: str) -> None:
    assert "MUSICSPACE_EMBED__DEVICE" in refusal(whole, "invalid-settings", device=device)


@pytest.mark.parametrize("dtype", ["int8", "half", ""])
def test_unknown_precision(whole: Path, dtype: str) -> None:
    assert "MUSICSPACE_EMBED__DTYPE" in refusal(whole, "invalid-settings", dtype=dtype)
