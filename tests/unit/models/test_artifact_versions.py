"""Versions of an artifact: whole or absent, never changed, one folder each."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from models.artifacts import Card, load_artifact, write_arrays
from models.artifacts.versions import card_digest, check_writable, publish_version, version_root

CARD = Card(
    name="toy",
    version="1",
    created="2026-01-01",
    summary="A toy.",
    data={},
    rows=3,
    features=("tempo",),
    metrics={},
    parameters={},
    libraries={},
)


def write_toy(folder: Path, value: float = 1.0) -> None:
    write_arrays(folder / "weights.npz", {"weights": np.array([value], dtype=np.float32)})


def versions_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "toy").iterdir())


def test_each_content_is_a_version_of_its_own(tmp_path: Path) -> None:
    first = publish_version(tmp_path, CARD, write_toy)
    second = publish_version(tmp_path, CARD, lambda folder: write_toy(folder, 2.0))
    assert first.version != second.version
    assert versions_in(tmp_path) == sorted([first.version, second.version])
    for card, value in ((first, 1.0), (second, 2.0)):
        artifact = load_artifact(version_root(tmp_path, "toy", card.version), "toy")
        assert artifact.card == card
        assert artifact.arrays("weights.npz")["weights"].tolist() == [value]


def test_the_same_content_stays_what_it_was(tmp_path: Path) -> None:
    first = publish_version(tmp_path, CARD, write_toy)
    root = version_root(tmp_path, "toy", first.version)
    digest = card_digest(root, "toy")
    again = publish_version(tmp_path, replace(CARD, created="2027-01-01"), write_toy)
    assert (again, card_digest(root, "toy")) == (first, digest)
    assert versions_in(tmp_path) == [first.version]


@pytest.mark.parametrize("damage", ["file", "card", "folder"])
def test_a_damaged_version_is_written_anew(tmp_path: Path, damage: str) -> None:
    first = publish_version(tmp_path, CARD, write_toy)
    folder = version_root(tmp_path, "toy", first.version) / "toy"
    for path in folder.iterdir():
        if damage == "folder" or (path.name == "card.json") == (damage == "card"):
            path.unlink()
    assert publish_version(tmp_path, CARD, write_toy).version == first.version
    load_artifact(folder.parent, "toy").arrays("weights.npz")


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write_toy(folder)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        publish_version(tmp_path, CARD, fail)
    assert versions_in(tmp_path) == []


def test_many_at_once_publish_one_version(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        cards = list(pool.map(lambda _: publish_version(tmp_path, CARD, write_toy), range(8)))
    assert versions_in(tmp_path) == [cards[0].version]
    assert len({card.version for card in cards}) == 1


def test_workers_of_other_users_can_read_a_version(tmp_path: Path) -> None:
    root = version_root(tmp_path, "toy", publish_version(tmp_path, CARD, write_toy).version)
    assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_written_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="MUSICSPACE_MODELS_DIR"):
        check_writable(tmp_path / "file", "toy")
    check_writable(tmp_path / "fresh", "toy")


def test_a_version_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"card\.json"):
        card_digest(tmp_path, "toy")
