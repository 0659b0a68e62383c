"""Personal models: their kinds and the states of their versions."""

from enum import StrEnum


class ModelKind(StrEnum):
    """What a model of a user knows about them."""

    M1 = "m1"  #: Their audio taste: the features of their tracks, in several modes.
    M2 = "m2"  #: Content: artists, titles, albums and genres.
    M3 = "m3"  #: Behavior: plays, likes and skips, theirs and those of others.


class UserModelState(StrEnum):
    """Where a version stands. Of each user and kind at most one serves, and at most one is kept for a roll-back."""

    SERVING = "serving"
    PREVIOUS = "previous"  #: Served before; a roll-back makes it serve again.
    DELETING = "deleting"  #: Its files are being removed; the row goes last.


class EventKind(StrEnum):
    """What a user did with a track."""

    PLAY = "play"
    SKIP = "skip"
    LIKE = "like"
    DISLIKE = "dislike"
    UNLIKE = "unlike"  #: Takes a like or dislike back.
