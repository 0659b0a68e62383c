"""A language model's answers are weighed against the predictor, and every value tells its route."""

import numpy as np
import pytest

from api.schemas.tracks import Track
from core.features import FEATURE_NAMES, N_FEATURES
from core.sources import PREDICTORS, Source
from db.repositories.estimates import Estimates
from db.repositories.tracks import get_track, ids_outdated
from models.registry import shipped_artifacts
from models.routing.strategies import find_strategy
from services.enrichment import known_estimates, measured_estimates, store_estimates
from services.routing import Preference


@pytest.fixture
def preference():
    return Preference("m1", find_strategy("weighted-average", shipped_artifacts()))


def guesses(n, value, uncertainty=0.2):
    return Estimates(
        np.full((n, N_FEATURES), value, np.float32),
        np.full((n, N_FEATURES), uncertainty, np.float32),
        np.full(n, 0.5, np.float32),
    )


def answers(n, value, unknown=()):
    estimates = guesses(n, value)
    for name in unknown:
        estimates.values[:, FEATURE_NAMES.index(name)] = np.nan
    return estimates


def test_an_answer_is_weighed_and_its_route_is_told(session, make_tracks, preference):
    ids = np.array(make_tracks(2))
    store_estimates(session, Source.M1, "1", ids, guesses(2, 0.5), preference=preference)
    store_estimates(session, Source.GEMINI, "v", ids[:1], answers(1, 0.6, ["liveness"]), preference=preference)
    session.commit()
    routed, left_alone = get_track(session, ids[0]), get_track(session, ids[1])
    assert routed["energy"] == pytest.approx(0.54)
    assert routed["feature_sources"] == dict.fromkeys(FEATURE_NAMES, "routed") | {"liveness": "m1"}
    assert set(left_alone["feature_sources"].values()) == {"m1"}
    shown = Track.of(routed).features
    assert shown["energy"].route.model_dump() == {
        "strategy": "weighted-average",
        "rule": shown["energy"].route.rule,
        "weight": 0.4,
        "divergence": 0.1,
        "between": ("m1", "gemini"),
    }
    assert shown["tempo"].route.divergence == 0.0
    assert shown["liveness"].route is None
    assert Track.of(left_alone).features["energy"].route is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_in_which_both_come_does_not_matter(session, make_tracks, preference, order):
    ids = np.array(make_tracks(1))
    both = [(Source.M1, guesses(1, 0.5)), (Source.GEMINI, guesses(1, 1.0))]
    for index in order:
        source, estimates = both[index]
        store_estimates(session, source, "v", ids, estimates, preference=preference)
    assert get_track(session, ids[0])["energy"] == pytest.approx(0.7)


def test_a_new_prediction_is_routed_anew(session, make_tracks, preference):
    ids = np.array(make_tracks(1))
    store_estimates(session, Source.GEMINI, "v", ids, guesses(1, 1.0), preference=preference)
    for value, expected in ((0.5, 0.7), (0.0, 0.4)):
        store_estimates(session, Source.M1, "v", ids, guesses(1, value), preference=preference)
        assert get_track(session, ids[0])["energy"] == pytest.approx(expected)


def test_precedence_is_import_then_reference_then_reccobeats_then_routed(session, make_tracks, preference):
    """Each source knows one feature more than the one before it, and each is sure of itself."""
    ids = np.array(make_tracks(1))
    store_estimates(session, Source.M1, "1", ids, guesses(1, 0.1, 0.0), preference=preference)
    store_estimates(session, Source.GEMINI, "v", ids, answers(1, 0.2, ["liveness"]), preference=preference)
    reccobeats = answers(1, 0.3, ["liveness", "valence"])
    store_estimates(session, Source.RECCOBEATS, "v1", ids, reccobeats, preference=preference)
    values = answers(1, 0.4, ["liveness", "valence", "energy"]).values
    reference = known_estimates(values, np.ones(1, np.float32))
    store_estimates(session, Source.REFERENCE, None, ids, reference, preference=preference)
    store_estimates(session, Source.IMPORT, None, ids, measured_estimates([{"tempo": 0.5}]), preference=preference)
    session.commit()
    track = get_track(session, ids[0])
    chosen = {name: track["feature_sources"][name] for name in ("tempo", "loudness", "energy", "valence", "liveness")}
    assert list(chosen.values()) == ["import", "reference", "reccobeats", "routed", "m1"]
    assert [round(track[name], 2) for name in chosen] == [0.5, 0.4, 0.3, 0.14, 0.1]


def test_an_import_leaves_routed_values_alone(session, make_tracks, preference):
    ids = np.array(make_tracks(1))
    store_estimates(session, Source.M1, "1", ids, guesses(1, 0.5), preference=preference)
    store_estimates(session, Source.GEMINI, "v", ids, guesses(1, 1.0), preference=preference)
    measured = measured_estimates([{"tempo": 99.0}])
    store_estimates(session, Source.IMPORT, None, ids, measured, preference=Preference("m1"))
    track = get_track(session, ids[0])
    assert (track["tempo"], track["energy"]) == (99.0, pytest.approx(0.7))


def test_routed_values_are_outdated_only_with_their_predictor(session, make_tracks, preference):
    ids = np.array(make_tracks(1))
    store_estimates(session, Source.M1, "1", ids, guesses(1, 0.5), preference=preference)
    store_estimates(session, Source.GEMINI, "v", ids, guesses(1, 1.0), preference=preference)
    assert ids_outdated(session, "m1", "1", PREDICTORS) == []
    assert ids_outdated(session, "m1", "2", PREDICTORS) == ids.tolist()
