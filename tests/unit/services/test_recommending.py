"""Which models have a say, how their rankings become one, and what is left out."""

import numpy as np
import pytest

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from core.user_models import ModelKind
from models.recommenders.audio_profile import AudioProfileRecommender, fallback_profile, train_audio_profile
from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.history import plays_only
from models.recommenders.merging import MergeWeights
from services.personal.ballot import vote, voters
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.partners import partners
from services.personal.recommending import choose, propose
from services.personal.serving_models import Community, Served, ServedModels, ServedState
from services.personal.wishes import Wish, excluded_tracks

N = 120
M1, M2, M3 = ModelKind
WEIGHTS = MergeWeights({frozenset({M1, M2}): {M1: 0.25, M2: 0.75}})


@pytest.fixture(scope="module")
def loaded():
    """Half folk, half metal; every third metal track is another version of the one before."""
    rng = np.random.default_rng(0)
    genres, names = genre_columns([["folk"] if item < N // 2 else ["metal"] for item in range(N)])
    loud = np.repeat([0.2, 0.8], N // 2)[:, None]
    features = (loud + rng.normal(0, 0.05, (N, len(FEATURE_NAMES)))).astype(np.float32)
    features[0] = np.nan
    catalog = Catalog(
        item_ids=np.arange(100, 100 + N),
        artists=[f"{'folk' if item < N // 2 else 'metal'} artist {item % 8}" for item in range(N)],
        titles=[f"song {item}" for item in range(N)],
        albums=[None] * N,
        genres=genres,
        genre_names=names,
        features=features,
        popularity=np.full(N, np.nan, dtype=np.float32),
    )
    recordings = np.arange(N, dtype=np.int32)
    recordings[N // 2 + 1 :: 3] = recordings[N // 2 : -1 : 3]
    return LoadedCatalog(catalog, np.unique(recordings, return_inverse=True)[1].astype(np.int32), "stamp")


@pytest.fixture(scope="module")
def history():
    """Twenty metal tracks."""
    positions = np.arange(N // 2, N // 2 + 20)
    return plays_only(positions, np.full(20, 3, dtype=np.float32))


@pytest.fixture(scope="module")
def trained(loaded, history):
    """M1 and M2 of the user."""
    return {
        M1: AudioProfileRecommender.from_files(train_audio_profile(loaded.catalog, history).files, loaded.catalog),
        M2: ContentRecommender.from_files(train_content(loaded.space, history).files, loaded.space),
    }


@pytest.fixture(scope="module")
def community(loaded):
    """What six users have in common."""
    rng = np.random.default_rng(1)
    users = [np.sort(rng.choice(N // 2, 20, replace=False)) + N // 2 * (user % 2) for user in range(6)]
    histories = [plays_only(positions, np.ones(20, dtype=np.float32)) for positions in users]
    files = train_community(loaded.catalog, histories, CommunityOptions(), lambda done, total: None).files
    return Community("m3-1-x", CommunityModel.from_files(files, loaded.catalog), WEIGHTS)


def excluded(history):
    mask = np.zeros(N, dtype=bool)
    mask[history.positions] = True
    return mask


def test_the_merged_score_is_the_sum_of_what_each_model_adds(trained, history):
    ballot = vote(trained, WEIGHTS, history, excluded(history), 15)
    assert 15 <= len(ballot.merged) <= 30
    assert not set(ballot.merged.positions) & set(history.positions)
    assert (ballot.merged.positions >= N // 2).all()
    assert (np.diff(ballot.merged.scores) <= 0).all()
    np.testing.assert_allclose(sum(ballot.contributions.values()), ballot.merged.scores, atol=1e-5)
    assert ballot.contributions[M1].max() <= 0.25 + 1e-6
    assert ballot.weights == {M1: 0.25, M2: 0.75}


def test_one_model_alone_keeps_its_own_order(trained, history):
    mask = excluded(history)
    ballot = vote({M2: trained[M2]}, WEIGHTS, history, mask, 15)
    alone = trained[M2].rank(history, mask, 15)
    # Equal scores share a rank, and among them the lower position comes first.
    np.testing.assert_allclose(trained[M2].scores(history, ballot.merged.positions), alone.scores, rtol=1e-5)


def test_nobody_to_vote_and_nothing_to_choose_give_an_empty_ballot(trained, history):
    assert len(vote({}, WEIGHTS, history, excluded(history), 15).merged) == 0
    nothing = vote(trained, WEIGHTS, history, np.ones(N, dtype=bool), 15)
    assert len(nothing.merged) == 0


def served(loaded, trained, history, **states):
    mean = fallback_profile(loaded.catalog)
    found = {}
    for name, state in states.items():
        kind = ModelKind(name)
        found[kind] = Served(ServedState(state), None if state == "missing" else trained.get(kind, mean))
    return ServedModels(found, WEIGHTS, None)


@pytest.mark.parametrize(
    ("states", "asked"),
    [
        ({"m1": "personal", "m2": "personal", "m3": "personal"}, {M1, M2, M3}),
        ({"m1": "fallback", "m2": "personal", "m3": "fallback"}, {M2}),
        ({"m1": "fallback", "m2": "missing", "m3": "fallback"}, {M1, M3}),
        ({"m2": "missing"}, set()),
    ],
)
def test_what_stands_in_counts_only_where_no_model_knows_the_user(loaded, trained, history, states, asked):
    assert voters(served(loaded, trained, history, **states), history).keys() == asked


def test_what_users_have_in_common_knows_a_user_with_a_history(loaded, trained, history, community):
    models = served(loaded, trained, history, m1="fallback", m2="personal", m3="fallback")
    models = ServedModels(models.by_kind, models.weights, community)
    assert voters(models, history).keys() == {M2, M3}
    assert voters(models, history.take(np.zeros(20, dtype=bool))).keys() == {M2}


def test_an_answer_has_each_recording_once(loaded, trained, history):
    ballot = vote(trained, WEIGHTS, history, np.zeros(N, dtype=bool), N)
    chosen = choose(loaded, ballot, N, diversity=0)
    recordings = loaded.recordings[chosen.merged.positions]
    assert len(set(recordings.tolist())) == len(recordings) == len(set(loaded.recordings.tolist()))
    assert (np.diff(chosen.merged.scores) <= 0).all()


def test_other_versions_of_owned_recordings_are_excluded_unless_wished_for(loaded):
    own = plays_only(np.array([N // 2]), np.ones(1, dtype=np.float32))
    own.owned[:] = True
    both = excluded_tracks(loaded, own, Wish(10))
    assert np.flatnonzero(both).tolist() == [N // 2, N // 2 + 1]
    assert np.flatnonzero(excluded_tracks(loaded, own, Wish(10, other_versions=True))).tolist() == [N // 2]


def test_other_versions_of_what_was_shown_are_excluded_too(loaded):
    nobody = plays_only(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    shown = int(loaded.catalog.item_ids[N // 2])
    both = excluded_tracks(loaded, nobody, Wish(10, without_tracks=[shown]))
    assert np.flatnonzero(both).tolist() == [N // 2, N // 2 + 1]
    one = excluded_tracks(loaded, nobody, Wish(10, without_tracks=[shown], other_versions=True))
    assert np.flatnonzero(one).tolist() == [N // 2]


def test_recordings_that_are_there_many_times_do_not_make_an_answer_short(loaded, trained, history):
    """Ten recordings of twelve versions each: the best fifteen candidates are of one or two of them."""
    many = LoadedCatalog(loaded.catalog, (np.arange(N) // 12).astype(np.int32), "many versions")
    ballot = propose(many, trained, WEIGHTS, history, excluded(history), 15, limit=8)
    chosen = choose(many, ballot, 8, diversity=0)
    assert len(set(many.recordings[chosen.merged.positions].tolist())) == 8
    # There are ten recordings, two of which the user has all versions of but four.
    assert len(choose(many, propose(many, trained, WEIGHTS, history, excluded(history), 15, 50), 50, 0).merged) == 9


def test_unknown_features_do_not_meet_a_bound(loaded):
    nobody = plays_only(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    assert np.flatnonzero(excluded_tracks(loaded, nobody, Wish(10, features={"energy": (None, 1e9)}))).tolist() == [0]
    assert not excluded_tracks(loaded, nobody, Wish(10)).any()


def test_a_genre_that_no_track_has_is_named_with_the_closest_one(loaded, history):
    with pytest.raises(PermanentError, match="Did you mean 'metal'") as failed:
        excluded_tracks(loaded, history, Wish(10, genres=["metall"]))
    assert failed.value.code == "invalid-request"


def test_a_partner_is_not_preferred_for_having_much_metadata():
    """The one that says the same goes before the one that says the same and much else."""
    genres, names = genre_columns([[]] * 3)
    catalog = Catalog(
        item_ids=np.arange(3),
        artists=["Slint", "Slint;Codeine;Bedhead;Low;Rodan;Seam;Karate;June of 44", "Slint"],
        titles=["", "a title of many words that nobody else has in theirs", ""],
        albums=[None, "an album of as many rare words as one can think of", None],
        genres=genres,
        genre_names=names,
        features=np.full((3, len(FEATURE_NAMES)), np.nan, dtype=np.float32),
        popularity=np.full(3, np.nan, dtype=np.float32),
    )
    space = LoadedCatalog(catalog, np.arange(3, dtype=np.int32), "metadata").space
    own = plays_only(np.array([1]), np.ones(1, dtype=np.float32))
    product = float((space.rows[[2]] @ space.rows[[1]].T).toarray()[0, 0])
    cosine = product / float(space.norms[1] * space.norms[2])
    assert cosine < 0.25 < product, "the case is none"
    assert partners(space, None, own, np.array([2])).tolist() == [-1]


def test_partners_are_wanted_tracks_with_something_in_common(loaded, history, community):
    folk_and_metal = np.array([3, N - 1])
    by_content = partners(loaded.space, None, history, folk_and_metal)
    assert by_content[0] == -1
    assert by_content[1] in history.positions
    by_behavior = partners(loaded.space, community.model, history, folk_and_metal)
    assert by_behavior[0] == -1
    assert by_behavior[1] in history.positions
    nobody = history.take(np.zeros(len(history), dtype=bool))
    assert partners(loaded.space, community.model, nobody, folk_and_metal).tolist() == [-1, -1]
