"""Table definitions. Importing this package fills `Base.metadata` with every table."""

from db.tables.audio import AudioDescriptors, DjFeedback, Embedding
from db.tables.base import Base
from db.tables.ledger import Attempt, Job, LiveTarget, WorkItem
from db.tables.lookups import ApiUsage, LookupCache, ReferenceArtist, ReferenceLoad, SpotifyReference
from db.tables.music import Playlist, PlaylistTrack, Track, TrackEstimate, User
from db.tables.personal import Interaction, InteractionEvent, ModelUsageDay, PersonalizedUser, UserModel
from db.tables.predictors import ModelPromotion, ModelVersion
from db.tables.workers import WorkerHeartbeat

__all__ = [
    "ApiUsage",
    "Attempt",
    "AudioDescriptors",
    "Base",
    "DjFeedback",
    "Embedding",
    "Interaction",
    "InteractionEvent",
    "Job",
    "LiveTarget",
    "LookupCache",
    "ModelPromotion",
    "ModelUsageDay",
    "ModelVersion",
    "PersonalizedUser",
    "Playlist",
    "PlaylistTrack",
    "ReferenceArtist",
    "ReferenceLoad",
    "SpotifyReference",
    "Track",
    "TrackEstimate",
    "User",
    "UserModel",
    "WorkItem",
    "WorkerHeartbeat",
]
