"""The index of a folder of audio, opened to choose tracks from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.audio import AudioDescription, Segment
from core.errors import PermanentError
from core.settings import Settings
from db.local_index import LocalIndex
from models.dj.library import Current, DjLibrary, TrackId
from services.audio_analysis.file_states import content_hash
from services.audio_analysis.pipeline import Failed, analyze_files
from services.dj.index_files import read_export
from services.dj.index_header import Header, audio_of, embedder_called
from services.dj.stored_library import description_of


@dataclass(frozen=True, slots=True)
class Playing:
    """The track that plays: as the ranking takes it, and its whole description."""

    current: Current
    description: AudioDescription
    file: Path


class FolderIndex:
    """An index as it was when it was opened. May be shared by threads.

    Raises
    ------
    PermanentError
        `dj-index-missing` or `dj-index-corrupt`.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        exported = read_export(folder)
        self.folder = folder
        self.header: Header = exported.header
        self.library: DjLibrary = exported.library
        self._settings = settings
        self._paths = exported.paths

    def __len__(self) -> int:
        return len(self.library)

    def file(self, track_id: TrackId) -> Path:
        """Where a track of the library lies."""
        return Path(self.header.audio_dir, self._path_of[track_id])

    def find(self, track: str | Path) -> int | None:
        """The id of a track: a file here or relative to the folder of audio, or the id itself; None for another file.

        Raises
        ------
        PermanentError
            `file-not-found`: it is no id of the index either.
        """
        path = Path(track)
        for file in (path, Path(self.header.audio_dir) / path):
            if file.exists():
                return self._id_of_file(file)
        text = str(track)
        if text.isascii() and text.isdigit() and int(text) in self.library:
            return int(text)
        raise PermanentError("file-not-found", f"{track} is neither a file nor the id of a track in {self.folder}.")

    def describe(self, ids: Sequence[TrackId]) -> Mapping[TrackId, AudioDescription]:
        """Whole descriptions of tracks, with profiles and beats."""
        with LocalIndex(self.folder, read_only=True) as store:
            found = {track_id: store.analysis(int(track_id)) for track_id in ids}
        return {track_id: description_of(analysis) for track_id, analysis in found.items() if analysis is not None}

    def playing(self, track: str | Path) -> Playing:
        """A track as the one that plays. A file outside of the index is listened to now.

        Raises
        ------
        PermanentError
            `file-not-found`, an `audio-*` code, or `embedding-space-mismatch`.
        """
        track_id = self.find(track)
        if track_id is None:
            return self._listen(Path(track))
        found = self.describe([track_id])
        if track_id not in found:
            raise PermanentError(
                "dj-index-corrupt", f"Track {track_id} is no longer in the store of {self.folder}. Build it again."
            )
        return Playing(self.library.current(track_id), found[track_id], self.file(track_id))

    @cached_property
    def _path_of(self) -> dict[TrackId, str]:
        return dict(zip(self.library.ids, self._paths, strict=True))

    @cached_property
    def _ids_by_path(self) -> dict[str, TrackId]:
        return {path: track_id for track_id, path in self._path_of.items()}

    def _id_of_file(self, file: Path) -> int | None:
        resolved, root = file.resolve(), Path(self.header.audio_dir)
        for candidate in (resolved, file.absolute()):
            if candidate.is_relative_to(root):
                found = self._ids_by_path.get(str(candidate.relative_to(root)))
                if found is not None:
                    return int(found)
        with LocalIndex(self.folder, read_only=True) as store:
            same = store.find(content_hash(resolved), self.header.version)
        return same if same in self.library else None

    def _listen(self, file: Path) -> Playing:
        embedder = embedder_called(self.header.embedder, self._settings)
        audio = audio_of(self.header, self._settings)
        [result] = analyze_files([(file, file)], embedder, audio=audio, decoders=1)
        if isinstance(result, Failed):
            raise result.error
        vectors = result.vectors
        current = Current.of(result.description, vectors[Segment.INTRO], vectors[Segment.OUTRO], result.space)
        self.library.require_same_space(current)
        return Playing(current, result.description, file.absolute())
