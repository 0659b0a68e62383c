"""Trained models on disk: a folder with a model card and data files, no pickle, checked when loaded.

The folders beside this file are the models that ship with MusicSpace.
"""

from models.artifacts.card import ArtifactFile, Card
from models.artifacts.store import (
    SHIPPED_ARTIFACTS,
    Artifact,
    load_artifact,
    publish_artifact,
    write_arrays,
    write_document,
)

__all__ = [
    "SHIPPED_ARTIFACTS",
    "Artifact",
    "ArtifactFile",
    "Card",
    "load_artifact",
    "publish_artifact",
    "write_arrays",
    "write_document",
]
