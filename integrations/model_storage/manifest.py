"""The list of a version's files with their checksums. Its own checksum stands for the whole version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from integrations.model_storage.layout import MANIFEST, is_file_name


@dataclass(frozen=True, slots=True)
class ListedFile:
    """What a file must be."""

    sha256: str
    size: int

    def matches(self, content: bytes) -> bool:
        """Whether this is the file that was listed."""
        return len(content) == self.size and digest(content) == self.sha256


def list_files(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files, the same bytes for the same files."""
    listed = {name: {"sha256": digest(files[name]), "size": len(files[name])} for name in sorted(files)}
    return json.dumps({"format": 1, "files": listed}, separators=(",", ":")).encode()


def listed_files(manifest: bytes) -> dict[str, ListedFile]:
    """What a manifest lists. Raises `ValueError` where it is none, or names a file that no version may have."""
    try:
        document = json.loads(manifest)
        if document["format"] != 1:
            raise ValueError(f"format {document['format']!r} is not known")
        files = {
            str(name): ListedFile(str(file["sha256"]), int(file["size"])) for name, file in document["files"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is no list of files") from error
    if wrong := [name for name in files if not is_file_name(name) or name == MANIFEST]:
        raise ValueError(f"it lists {wrong[0]!r}")
    return files


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
