"""The model card: what an artifact is, what it was trained on, how good it is, and which files belong to it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

#: Version of the layout of `card.json` and of the folder around it; a loader refuses any other.
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A data file of an artifact: its name within the folder, its checksum and its size in bytes."""

    stored_as: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Card:
    """Everything there is to know about an artifact. Mappings hold JSON values only."""

    name: str
    version: str  #: Version of the method; once published, with a digest of the data files behind it.
    created: str  #: ISO date
    summary: str
    data: Mapping[str, Any]  #: Where the training data comes from
    rows: int  #: Training rows
    features: tuple[str, ...]  #: What it predicts, in the order of its outputs
    metrics: Mapping[str, Any]
    parameters: Mapping[str, Any]
    libraries: Mapping[str, str]  #: Versions it was trained with
    files: Mapping[str, ArtifactFile] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """The content of `card.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse `card.json`.

        Raises
        ------
        ValueError
            It is not JSON, of an unknown format version, or lacks a field.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"its format version is not {FORMAT_VERSION}")
        try:
            files = {name: ArtifactFile(**entry) for name, entry in content.pop("files").items()}
            return cls(**content | {"features": tuple(content["features"])}, files=files)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"a field is missing or unknown ({error})") from None

    def to_markdown(self) -> str:
        """The card as people read it (`CARD.md`)."""
        files = {name: f"{entry.size:,} bytes, sha256 `{entry.sha256}`" for name, entry in self.files.items()}
        sections = {
            "Training data": {**self.data, "rows": self.rows},
            "Metrics": self.metrics,
            "Parameters": self.parameters,
            "Files": files,
            "Libraries": self.libraries,
        }
        head = f"# Model card: {self.name}\n\n{self.summary}\n\nVersion {self.version}, trained on {self.created}."
        predicts = f"Predicts {', '.join(self.features)}."
        body = "\n\n".join(f"## {title}\n\n" + "\n".join(_bullets(items)) for title, items in sections.items())
        return f"{head} {predicts}\n\n{body}\n"


def _bullets(items: Mapping[str, Any], depth: int = 0) -> list[str]:
    """Nested Markdown lists of nested mappings."""
    lines = []
    for key, value in items.items():
        nested = isinstance(value, Mapping)
        lines.append(f"{'  ' * depth}- {key}:" + ("" if nested else f" {value}"))
        lines += _bullets(value, depth + 1) if nested else []
    return lines
