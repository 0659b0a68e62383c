"""The API spells goals, arcs and actions out, because it must not import what computes with them."""

from typing import get_args

from api.schemas import dj
from models.dj.arcs import Arc
from models.dj.goals import Goal
from services.dj.feedback import Action


def test_the_words_are_the_same():
    assert get_args(dj.Goal) == tuple(Goal)
    assert get_args(dj.Arc) == tuple(Arc)
    assert get_args(dj.Action) == tuple(Action)
