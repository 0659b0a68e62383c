"""Where a feature value came from, and which source wins.

Measured beats looked up, looked up beats inferred, never the reverse. Among measured, and among looked-up values the
one with the smaller uncertainty wins, then the earlier entry of `Source`. Among inferred values a routed one wins,
which weighs the language model's answer against the predictor in use; then that predictor
(`MUSICSPACE_ENRICH__PREDICTOR`), then the earlier entry of `Source`: an estimate that a predictor of former times left
behind must not outlive its replacement, however sure of itself it was.
"""

from enum import IntEnum, StrEnum


class Rank(IntEnum):
    """How much a source is trusted; the lower rank wins."""

    MEASURED = 0
    LOOKED_UP = 1
    INFERRED = 2


class Source(StrEnum):
    """A writer of `track_estimates`."""

    IMPORT = "import"  #: Feature columns that came with the imported file.
    AUDIO = "audio"  #: Measured in the track's audio file: tempo and loudness.
    REFERENCE = "reference"  #: The same recording in the loaded reference table.
    RECCOBEATS = "reccobeats"  #: ReccoBeats, by Spotify id.
    ROUTED = "routed"  #: Chosen or blended, per feature, from `gemini` and the predictor in use; see `models.routing`.
    BLEND = "blend"  #: The stacked predictor, the default.
    NEURAL = "neural"  #: The Audio Feature Predictor, a network over text, genres, moods and metadata.
    M2 = "m2"  #: Gradient boosting on TF-IDF.
    M2_GBR = "m2-gbr"  #: The same with scikit-learn's gradient boosting, for comparison.
    M1 = "m1"  #: The Ridge predictor.
    GEMINI = "gemini"  #: A language model with web search; trusted alone only where no predictor spoke.


RANKS: dict[Source, Rank] = {
    Source.IMPORT: Rank.MEASURED,
    Source.AUDIO: Rank.MEASURED,
    Source.REFERENCE: Rank.LOOKED_UP,
    Source.RECCOBEATS: Rank.LOOKED_UP,
    Source.ROUTED: Rank.INFERRED,
    Source.BLEND: Rank.INFERRED,
    Source.NEURAL: Rank.INFERRED,
    Source.M2: Rank.INFERRED,
    Source.M2_GBR: Rank.INFERRED,
    Source.M1: Rank.INFERRED,
    Source.GEMINI: Rank.INFERRED,
}

#: The sources that infer.
INFERRED: tuple[Source, ...] = tuple(source for source, rank in RANKS.items() if rank is Rank.INFERRED)
#: Those of them that are predictors.
PREDICTORS: tuple[Source, ...] = tuple(source for source in INFERRED if source not in {Source.ROUTED, Source.GEMINI})
