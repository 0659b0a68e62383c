"""Publishing and loading artifacts.

A data file is stored under a name that carries its checksum, so writing a new version never touches the files of the
old one. Replacing `card.json` is the commit: killed at any moment, the folder holds the old version or the new one.
One process publishes a name at a time; a reader that read the old card just before the commit may find its files gone
and loads again.
"""

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.durable_files import move_durably
from core.errors import ConfigurationError
from models.artifacts.card import ArtifactFile, Card

#: The models that ship with MusicSpace.
SHIPPED_ARTIFACTS = Path(__file__).parent

_CARD_FILE = "card.json"
_READABLE_CARD_FILE = "CARD.md"
# Formats that can run code when they are read.
_EXECUTABLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A loaded card and the folder it lies in. Every file is checked against its checksum when it is read."""

    card: Card
    folder: Path

    def read(self, file: str) -> bytes:
        """The verified content of a data file.

        Raises
        ------
        ConfigurationError
            `artifact-missing`: the card does not name the file, or it is gone. `artifact-corrupt`: its content does
            not match the card, or its format could run code.
        """
        entry = self.card.files.get(file)
        if entry is None:
            raise ConfigurationError(
                "artifact-missing", f"{self.folder} has no file {file}. {_way_out(self.card.name)}"
            )
        # A card is data from outside: it must not point out of its folder, nor at a format that runs code.
        if Path(entry.stored_as).name != entry.stored_as or Path(entry.stored_as).suffix in _EXECUTABLE_SUFFIXES:
            raise _corrupt(
                self.card.name,
                self.folder,
                f"its card names the file {entry.stored_as!r}, which MusicSpace never reads",
            )
        path = self.folder / entry.stored_as
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _missing(self.card.name, path, error) from None
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise _corrupt(self.card.name, path, "its content does not match the checksum in its card")
        return content

    def arrays(self, file: str) -> dict[str, NDArray[Any]]:
        """The arrays of an npz file; pickled objects are refused."""
        content = self.read(file)
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, OSError) as error:
            raise _corrupt(self.card.name, self.folder / self.card.files[file].stored_as, str(error)) from None

    def document(self, file: str) -> Any:
        """The content of a JSON file."""
        return json.loads(self.read(file))


def load_artifact(root: Path, name: str) -> Artifact:
    """Load the card of the artifact `name` below `root`; its files are read, and checked, on demand.

    Raises
    ------
    ConfigurationError
        `artifact-missing`: there is no card. `artifact-corrupt`: the card cannot be understood.
    """
    folder = root / name
    path = folder / _CARD_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _missing(name, path, error) from None
    except UnicodeDecodeError:
        raise _corrupt(name, path, "it is not UTF-8 text") from None
    try:
        return Artifact(Card.from_json(text), folder)
    except ValueError as error:
        raise _corrupt(name, path, str(error)) from None


def publish_artifact(root: Path, card: Card, write_files: Callable[[Path], None]) -> Card:
    """Write an artifact, replacing an older one of that name only once the new one is complete.

    Parameters
    ----------
    root
        Folder of all artifacts; created if missing.
    card
        Everything but `files`; `version` gets a digest of the files appended.
    write_files
        Writes the data files into an empty folder. If it raises, nothing has changed.

    Returns
    -------
    card
        As published.
    """
    folder = root / card.name
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder))
    try:
        write_files(staging)
        entries = {path.name: _describe(path) for path in sorted(staging.iterdir())}
        card = replace(card, version=f"{card.version}-{_digest(entries)}", files=entries)
        for name, entry in entries.items():
            move_durably(staging / name, folder / entry.stored_as)
        for file, text in ((_CARD_FILE, card.to_json()), (_READABLE_CARD_FILE, card.to_markdown())):
            (staging / file).write_text(text, encoding="utf-8")
            move_durably(staging / file, folder / file)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _remove_unnamed_files(folder, card)
    return card


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an npz file; the same arrays give the same bytes."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def write_document(path: Path, document: Any) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(document, ensure_ascii=False, indent=0), encoding="utf-8")


def _describe(path: Path) -> ArtifactFile:
    if path.suffix in _EXECUTABLE_SUFFIXES:
        raise ValueError(f"{path.name}: artifacts hold no format that can run code")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ArtifactFile(f"{path.stem}-{sha256[:8]}{path.suffix}", sha256, path.stat().st_size)


def _digest(entries: Mapping[str, ArtifactFile]) -> str:
    """Eight hex digits that change with the content of any file."""
    return hashlib.sha256("".join(entry.sha256 for entry in entries.values()).encode()).hexdigest()[:8]


def _remove_unnamed_files(folder: Path, card: Card) -> None:
    """Remove what an earlier version, or a killed publication, left behind."""
    kept = {_CARD_FILE, _READABLE_CARD_FILE} | {entry.stored_as for entry in card.files.values()}
    for path in folder.iterdir():
        if path.name not in kept and path.is_file():
            path.unlink(missing_ok=True)


def _corrupt(name: str, path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError("artifact-corrupt", f"{path}: {reason}. {_way_out(name)}")


def _missing(name: str, path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError("artifact-missing", f"{path} cannot be read ({error.strerror}). {_way_out(name)}")


def _way_out(name: str) -> str:
    command = "train router" if name == "router" else f"train global {name}"
    return f"Train it again with `musicspace {command} --data FILE`, or reinstall MusicSpace."
