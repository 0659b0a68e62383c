"""Descriptions of audio as records to store: a JSON object, and the profiles as bytes beside it."""

import struct
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from core.audio import AudioDescription, MixProfile

_LENGTHS = struct.Struct("<II")
_ENVELOPES = ("low_end", "level", "onsets")
_DECIMALS = 4


def to_record(description: AudioDescription) -> tuple[dict[str, Any], bytes]:
    """A JSON object, numbers rounded to four decimals, and the packed profiles of intro and outro."""
    record: dict[str, Any] = _rounded(asdict(description))
    for segment in ("intro", "outro"):
        del record[segment]["profile"]
    return record, pack_profiles(description.intro.profile, description.outro.profile)


def from_record(record: dict[str, Any], profiles: bytes) -> AudioDescription:
    """The inverse of `to_record`, up to rounding.

    Raises
    ------
    ValueError
        The record or the bytes are damaged.
    """
    intro, outro = unpack_profiles(profiles)
    whole = record | {
        "intro": record["intro"] | {"profile": asdict(intro)},
        "outro": record["outro"] | {"profile": asdict(outro)},
    }
    return _adapter().validate_python(whole)


def pack_profiles(intro: MixProfile, outro: MixProfile) -> bytes:
    """Both profiles in one piece: the lengths of their envelopes, then the envelopes."""
    envelopes = [getattr(profile, name) for profile in (intro, outro) for name in _ENVELOPES]
    return _LENGTHS.pack(len(intro.level), len(outro.level)) + b"".join(envelopes)


def unpack_profiles(packed: bytes) -> tuple[MixProfile, MixProfile]:
    """The profiles of intro and outro; raises `ValueError` where the bytes are not what `pack_profiles` made."""
    if len(packed) < _LENGTHS.size:
        raise ValueError("the profiles are cut off")
    lengths = _LENGTHS.unpack_from(packed)
    if len(packed) != _LENGTHS.size + len(_ENVELOPES) * sum(lengths):
        raise ValueError("the profiles are cut off")
    pieces, start = [], _LENGTHS.size
    for length in lengths:
        for _ in _ENVELOPES:
            pieces.append(packed[start : start + length])
            start += length
    return MixProfile(*pieces[:3]), MixProfile(*pieces[3:])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value


@cache
def _adapter() -> TypeAdapter[AudioDescription]:
    return TypeAdapter(AudioDescription)
