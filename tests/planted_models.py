"""Models of users put straight into a storage and the table: many of them, of any age, whole or broken."""

import os
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from integrations.model_storage.layout import MANIFEST
from integrations.model_storage.manifest import digest, list_files

CONTENT = {"model.npz": b"\1" * 50, "words.json": b"{}"}


def plant_files(root: Path, path: str, *, age: timedelta = timedelta(0), files: dict[str, bytes] | None = None) -> str:
    """Write the files of a version without the care of the storage; returns the checksum of the manifest."""
    files = CONTENT if files is None else files
    manifest = list_files(files)
    folder = root / path
    folder.mkdir(parents=True)
    for name, content in {**files, MANIFEST: manifest}.items():
        (folder / name).write_bytes(content)
    at = time.time() - age.total_seconds()
    for changed in (*folder.iterdir(), folder):
        os.utime(changed, (at, at))
    return digest(manifest)


def plant_row(session: Session, path: str, sha256: str, *, state: str = "serving", unused_days: float = 0) -> int:
    """Insert the row of a version, with its user; the caller commits."""
    kind, user, version = path.split("/")
    user_id = None if user == "community" else int(user)
    if user_id is not None:
        session.execute(text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING"), {"id": user_id})
    row_id: int = session.execute(
        text("""
            INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes, last_used_at, trained_at)
            VALUES (:user_id, :kind, :version, :state, :path, :sha256, 100, now() - make_interval(secs => :seconds),
                    now() - make_interval(secs => :seconds)) RETURNING id
        """),
        {
            "user_id": user_id,
            "kind": kind,
            "version": version,
            "state": state,
            "path": path,
            "sha256": sha256,
            "seconds": unused_days * 86_400,
        },
    ).scalar_one()
    return row_id


def plant(session: Session, root: Path, path: str, *, state: str = "serving", unused_days: float = 0) -> int:
    """Files and row of a version that was stored when it was last used; returns the row's id."""
    sha256 = plant_files(root, path, age=timedelta(days=unused_days))
    return plant_row(session, path, sha256, state=state, unused_days=unused_days)
