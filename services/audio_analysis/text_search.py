"""Find tracks by words about their sound, in the space that audio and text share."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from core.audio import Segment
from core.embedding import AudioEmbedder, require_same_space
from core.errors import PermanentError
from db.repositories.dj import names_of
from db.repositories.embeddings import read_vectors, spaces


@dataclass(frozen=True, slots=True)
class Found:
    """A track, and the cosine of its vector with the words'."""

    track_id: int
    artist: str
    title: str
    cosine: float


def search_sound(session: Session, embedder: AudioEmbedder, words: str, top_k: int) -> list[Found]:
    """The tracks whose whole sounds most like the words, the nearest first.

    Raises
    ------
    PermanentError
        `embedding-without-text`: the embedder knows no words; `embedding-space-mismatch`: tracks have vectors of other
        spaces only; `audio-not-analyzed`: of none.
    """
    query = embedder.embed_text([words])[0]
    ids, vectors = read_vectors(session, embedder.space, Segment.FULL, embedder.dimensions)
    if not len(ids):
        for other in spaces(session)[:1]:
            require_same_space(embedder.space, other)
        raise PermanentError("audio-not-analyzed", "No audio has been analyzed. Run `musicspace audio analyze`.")
    cosines = vectors @ query
    best = np.argsort(-cosines, kind="stable")[:top_k].tolist()
    names = names_of(session, [int(ids[row]) for row in best])
    # A track may have been deleted since its vector was read.
    return [Found(int(ids[row]), *names[int(ids[row])], float(cosines[row])) for row in best if int(ids[row]) in names]
