"""Artifacts: published whole or not at all, verified when loaded, never a pickle."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from models.artifacts import Card, load_artifact, publish_artifact, write_arrays, write_document

CARD = Card(
    name="toy",
    version="1",
    created="2026-01-01",
    summary="A toy.",
    data={"file": "toy.csv"},
    rows=3,
    features=("tempo",),
    metrics={"holdout": {"MNE": 0.1}},
    parameters={"alpha": 1.0},
    libraries={"numpy": "2"},
)


def write_toy(folder: Path, value: float = 1.0) -> None:
    write_arrays(folder / "weights.npz", {"weights": np.array([value, 2.0], dtype=np.float32)})
    write_document(folder / "words.json", ["가", "b"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish_artifact(tmp_path, CARD, write_toy)
    return tmp_path


def stored(root: Path, file: str) -> Path:
    artifact = load_artifact(root, "toy")
    return artifact.folder / artifact.card.files[file].stored_as


def edit_card(root: Path, **changes: object) -> None:
    path = root / "toy" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_published_is_loaded(root: Path) -> None:
    artifact = load_artifact(root, "toy")
    assert artifact.arrays("weights.npz")["weights"].tolist() == [1.0, 2.0]
    assert artifact.document("words.json") == ["가", "b"]
    assert artifact.card == replace(CARD, version=artifact.card.version, files=artifact.card.files)


def test_the_version_follows_the_content(root: Path) -> None:
    first = load_artifact(root, "toy").card
    assert publish_artifact(root, CARD, write_toy) == first
    assert publish_artifact(root, CARD, lambda folder: write_toy(folder, 9.0)).version != first.version


def test_a_new_version_replaces_every_file_of_the_old(root: Path) -> None:
    publish_artifact(root, CARD, lambda folder: write_toy(folder, 9.0))
    assert load_artifact(root, "toy").arrays("weights.npz")["weights"][0] == 9.0
    assert len(list((root / "toy").iterdir())) == 4


def test_a_failed_publication_leaves_the_old_version(root: Path) -> None:
    def fail(folder: Path) -> None:
        write_toy(folder, 9.0)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        publish_artifact(root, CARD, fail)
    assert load_artifact(root, "toy").arrays("weights.npz")["weights"][0] == 1.0
    assert len(list((root / "toy").iterdir())) == 4


def test_killed_before_the_card_is_swapped_the_old_version_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(card: Card) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Card, "to_json", killed)
    with pytest.raises(KeyboardInterrupt):
        publish_artifact(root, CARD, lambda folder: write_toy(folder, 9.0))
    monkeypatch.undo()
    assert load_artifact(root, "toy").arrays("weights.npz")["weights"][0] == 1.0


def test_the_readable_card_tells_data_metrics_and_checksums(root: Path) -> None:
    text = (root / "toy" / "CARD.md").read_text()
    checksum = load_artifact(root, "toy").card.files["weights.npz"].sha256
    assert all(part in text for part in ("# Model card: toy", "toy.csv", "MNE: 0.1", checksum))


def test_a_missing_artifact_names_path_and_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent/card\.json.*musicspace train global absent") as caught:
        load_artifact(tmp_path, "absent")
    assert caught.value.code == "artifact-missing"


def test_a_missing_data_file_is_told_by_path(root: Path) -> None:
    path = stored(root, "weights.npz")
    path.unlink()
    with pytest.raises(ConfigurationError, match=path.name) as caught:
        load_artifact(root, "toy").arrays("weights.npz")
    assert caught.value.code == "artifact-missing"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-7], lambda data: data[:50] + b"x" + data[51:], lambda data: b""]
)
def test_a_damaged_data_file_is_refused(root: Path, damage: object) -> None:
    path = stored(root, "weights.npz")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match="checksum") as caught:
        load_artifact(root, "toy").arrays("weights.npz")
    assert caught.value.code == "artifact-corrupt"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"format_version": 1}'])
def test_a_damaged_card_is_refused(root: Path, content: bytes) -> None:
    (root / "toy" / "card.json").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_artifact(root, "toy")
    assert caught.value.code == "artifact-corrupt"


def test_an_unknown_format_version_is_refused(root: Path) -> None:
    edit_card(root, format_version=2)
    with pytest.raises(ConfigurationError, match="format version") as caught:
        load_artifact(root, "toy")
    assert caught.value.code == "artifact-corrupt"


@pytest.mark.parametrize("stored_as", ["../outside.npz", "/etc/passwd", "weights.pkl", "weights.pt"])
def test_a_card_cannot_point_outside_nor_at_code(root: Path, stored_as: str) -> None:
    files = {"weights.npz": {"stored_as": stored_as, "sha256": "0", "size": 1}}
    edit_card(root, files=files)
    with pytest.raises(ConfigurationError, match="never reads"):
        load_artifact(root, "toy").arrays("weights.npz")


def test_pickled_objects_in_an_npz_are_refused(tmp_path: Path) -> None:
    def write_objects(folder: Path) -> None:
        np.savez(folder / "weights.npz", weights=np.array([{"a": 1}], dtype=object))

    publish_artifact(tmp_path, CARD, write_objects)
    with pytest.raises(ConfigurationError, match="allow_pickle") as caught:
        load_artifact(tmp_path, "toy").arrays("weights.npz")
    assert caught.value.code == "artifact-corrupt"


def test_a_pickle_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="run code"):
        publish_artifact(tmp_path, CARD, lambda folder: (folder / "model.pkl").write_bytes(b""))  # type: ignore[arg-type,return-value]
