"""The command behind `musicspace train router`: what it refuses, and that recorded answers may lack features."""

import json
import re

import pytest
from small_reference import write_table

from core.errors import PermanentError
from services.router_training import train_router_into


def ignore(done, total):
    pass


def test_too_few_tracks_are_refused_before_anything_is_trained(tmp_path):
    table = write_table(tmp_path / "small.parquet")
    with pytest.raises(PermanentError, match=r"rows of the holdout folds of .*small\.parquet; .* at least 1,000"):
        train_router_into(table, tmp_path / "out", None, ignore)
    answers = tmp_path / "answers.jsonl"
    line = {
        "track_id": "none of them",
        "features": {"tempo": 120.0},
        "evidence": {},
        "model": "m",
        "prompt_version": "1",
    }
    answers.write_text(json.dumps(line))
    with pytest.raises(PermanentError, match="There are 0 recorded answers"):
        train_router_into(table, tmp_path / "out", answers, ignore)
    assert not (tmp_path / "out").exists()


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(PermanentError, match=re.escape(str(tmp_path / "none.jsonl"))):
        train_router_into(write_table(tmp_path / "small.parquet"), tmp_path, tmp_path / "none.jsonl", ignore)
