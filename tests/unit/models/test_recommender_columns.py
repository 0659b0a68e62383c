"""What the ranker of M3 sees: no column may contain the answer, and behavior must show."""

import dataclasses

import numpy as np
import pytest
from made_listeners import made_catalog, made_history, owned_history

from core.features import FEATURE_NAMES
from models.recommenders.generators import Generators
from models.recommenders.history import History
from models.recommenders.interaction_matrix import genre_rows, history_rows
from models.recommenders.item_traits import item_traits
from models.recommenders.stack_features import COLUMNS, feature_rows, view_user, view_users

# What the user has is counted with the item itself.
COUNTS_OF_USER = ("user_items", "user_log_listeners", "listener_difference", "user_genre_count", "user_genre_entropy")


def fitted(histories: list[History]) -> Generators:
    catalog = made_catalog()
    return Generators.fit(history_rows(histories, len(catalog)), genre_rows(catalog))


def columns_of(history: History, generators: Generators | None, positions: list[int]) -> dict[str, np.ndarray]:
    traits = item_traits(made_catalog())
    rows = feature_rows(view_user(history, traits, generators), traits, generators, np.array(positions))
    assert rows.dtype == np.float32
    return dict(zip(COLUMNS, rows.T, strict=True))


def test_an_own_item_is_described_as_if_it_were_not_had() -> None:
    generators = fitted([made_history(seed) for seed in range(60)])
    rng = np.random.default_rng(0)
    flat = owned_history(made_history(500).positions)
    history = dataclasses.replace(flat, plays=np.full(len(flat), 3.0, dtype=np.float32))
    item = int(rng.choice(history.positions))
    rest = history.take(history.positions != item)
    with_item, without = columns_of(history, generators, [item]), columns_of(rest, generators, [item])
    for name in COLUMNS:
        # The best others differ by the item itself, so ranks and standards may move by one place.
        if name in COUNTS_OF_USER or name.endswith(("_log_rank", "_standardized")):
            continue
        np.testing.assert_allclose(with_item[name], without[name], atol=2e-3, err_msg=name)


def test_users_together_are_described_as_each_alone() -> None:
    generators = fitted([made_history(seed) for seed in range(60)])
    traits = item_traits(made_catalog())
    histories = [made_history(seed) for seed in range(500, 503)]
    positions = np.arange(0, 240, 7)
    for view, history in zip(view_users(histories, traits, generators), histories, strict=True):
        alone = view_user(history, traits, generators)
        np.testing.assert_allclose(
            feature_rows(view, traits, generators, positions),
            feature_rows(alone, traits, generators, positions),
            rtol=1e-3,
            atol=1e-3,
        )


def test_rows_described_in_parts_are_those_described_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generators, history = fitted([made_history(seed) for seed in range(60)]), made_history(500)
    positions = list(range(0, 240, 7))
    whole = columns_of(history, generators, positions)
    monkeypatch.setattr("models.recommenders.stack_features._MOST_PAIRS", 4 * len(history))
    for name, values in columns_of(history, generators, positions).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_user_left_out_does_not_count_as_a_listener() -> None:
    histories = [made_history(seed) for seed in range(60)]
    generators, traits = fitted(histories), item_traits(made_catalog())
    row = history_rows([histories[7]], 240)
    found = generators.most_alike(row)
    assert found is not None
    np.testing.assert_allclose(found.toarray(), row.toarray(), atol=1e-6)
    view = view_user(histories[7], traits, generators, found)
    np.testing.assert_array_equal(generators.listeners[row.indices] - 1, view.listeners[row.indices])
    others = Generators.fit(history_rows(histories[:7] + histories[8:], 240), genre_rows(made_catalog()))
    np.testing.assert_allclose(view.signals["ease"], others.ease.scores(row), atol=1e-4)


def test_nobody_is_most_alike_to_a_listener_of_something_else() -> None:
    generators = fitted([owned_history(np.arange(20)), owned_history(np.arange(5, 25))])
    assert generators.most_alike(history_rows([owned_history(np.arange(100, 120))], 240)) is None
    assert generators.most_alike(history_rows([owned_history(np.arange(14, 40))], 240)) is None


@pytest.mark.parametrize(
    ("column", "field", "value"),
    [
        ("artist_plays", "plays", 50.0),
        ("artist_likes", "likes", 1),
        ("artist_skips", "skips", 9.0),
        ("artist_age_days", "age_days", 80.0),
    ],
)
def test_behavior_shows_at_other_items_of_the_artist(column: str, field: str, value: float) -> None:
    plain = owned_history(np.array([0, 9, 30]))
    changed = getattr(plain, field).copy()
    changed[0] = value
    before, after = (
        columns_of(plain, None, [1, 9]),
        columns_of(dataclasses.replace(plain, **{field: changed}), None, [1, 9]),
    )
    assert before[column][0] != after[column][0]
    np.testing.assert_array_equal(before[column][1], after[column][1])


def test_old_plays_weigh_less() -> None:
    plain = owned_history(np.array([0, 9, 30]))
    old = dataclasses.replace(plain, age_days=np.array([400, 0, 0], dtype=np.float32))
    assert columns_of(old, None, [1])["artist_weight"][0] < columns_of(plain, None, [1])["artist_weight"][0]


def test_sound_and_genre_near_to_the_user_show() -> None:
    columns = columns_of(owned_history(np.arange(0, 10)), None, [20, 200])
    assert columns["audio_distance"][0] < columns["audio_distance"][1]
    assert columns["audio_nearest"][0] < columns["audio_nearest"][1]
    assert columns["genres"][0] > columns["genres"][1]
    np.testing.assert_array_equal(columns[FEATURE_NAMES[2]], item_traits(made_catalog()).audio[[20, 200], 2])


def test_what_nobody_knows_is_nan() -> None:
    columns = columns_of(owned_history(np.arange(0, 10)), None, [20])
    assert np.isnan(columns["ease"]).all()
    assert np.isnan(columns["log_listeners"]).all()
    assert np.isnan(columns["companion_m1"]).all()
