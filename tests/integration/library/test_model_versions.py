"""Versions of a predictor: trained, judged, promoted or rejected, rolled back, whoever else does the same."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from small_reference import write_table

from core.errors import ConfigurationError, PermanentError
from core.model_states import ModelState
from db.engine import open_session
from db.repositories import model_versions as rows
from models.artifacts import load_artifact
from models.training_data import read_reference_table
from services.model_versions import list_models, model_overview, promote, rollback
from services.serving import ModelFolders, load_serving, serving_version
from services.training import train_global
from services.version_training import train_version


@pytest.fixture
def folders(tmp_path):
    """Nothing ships, nothing was trained."""
    return ModelFolders(shipped=tmp_path / "shipped", versions=tmp_path / "versions")


@pytest.fixture
def table(tmp_path):
    """A reference table as options of `write_table` describe it."""

    def read(**options):
        return read_reference_table(write_table(tmp_path / f"{uuid4().hex}.parquet", **options))

    return read


@pytest.fixture
def train(session, folders, table):
    """Train M1 and commit."""

    def run(own=None, *, tolerance=0.0, **options):
        target = own or session
        trained = train_version(
            target, "m1", table(**options), folders, tolerance=tolerance, on_progress=lambda done, total: None
        )
        target.commit()
        return trained

    return run


@pytest.fixture
def ship(folders, tmp_path):
    """Put an artifact where those shipped with MusicSpace lie."""

    def run(**options):
        path = write_table(tmp_path / "shipped.parquet", **options)
        return train_global("m1", path, folders.shipped, lambda done, total: None).card

    return run


def serving(session, folders):
    return serving_version(session, "m1", folders).version


def test_the_first_version_serves_and_loads(train, session, folders):
    trained = train()
    assert (trained.state, trained.known, trained.baseline) == (ModelState.PROMOTED, False, None)
    now = serving_version(session, "m1", folders)
    assert now.version == trained.version
    assert load_serving(now).version == trained.version
    row = rows.find_version(session, "m1", trained.version)
    assert row.metrics["error"] == pytest.approx(row.metrics["scores"][0]["mne_eight"], abs=0.01)
    assert {score["fold"] for score in row.metrics["scores"]} == {"random-holdout", "artist-holdout"}
    assert row.promoted_at is not None


def test_a_worse_version_is_kept_and_does_not_serve(train, session, folders):
    good = train()
    bad = train(misleading=True)
    assert (bad.state, bad.baseline) == (ModelState.REJECTED, good.version)
    assert serving(session, folders) == good.version
    row = rows.find_version(session, "m1", bad.version)
    assert row.metrics["baseline_error"] < row.metrics["error"]
    assert good.version in row.reason
    assert load_artifact(bad.folder, "m1").card.version == bad.version


def test_a_version_that_is_not_worse_takes_over_and_the_other_retires(train, session, folders):
    worse = train(misleading=True)
    better = train()
    assert (better.state, better.baseline) == (ModelState.PROMOTED, worse.version)
    assert serving(session, folders) == better.version
    assert rows.find_version(session, "m1", worse.version).state is ModelState.RETIRED


def test_the_tolerance_lets_a_worse_version_pass(train):
    train()
    assert train(misleading=True, tolerance=1.0).state is ModelState.PROMOTED


def test_the_shipped_version_is_the_one_to_beat(train, ship, session, folders):
    shipped = ship()
    assert serving(session, folders) == shipped.version
    bad = train(misleading=True)
    assert (bad.state, bad.baseline) == (ModelState.REJECTED, shipped.version)
    assert serving(session, folders) == shipped.version


def test_the_same_content_is_no_new_version(train, ship, session, folders):
    shipped = ship(seed=7)
    again = train(seed=7)
    assert (again.version, again.state, again.known) == (shipped.version, None, True)
    assert rows.list_versions(session) == []
    first, second = train(seed=1, tolerance=1.0), train(seed=1)
    assert (second.version, second.known, second.state) == (first.version, True, ModelState.PROMOTED)
    assert len(rows.list_versions(session, "m1")) == 1
    assert len(model_overview(session, "m1", folders).promotions) == 1


def test_a_lost_folder_comes_back_by_training_the_same_again(train, session, folders):
    first = train()
    shutil.rmtree(first.folder)
    with pytest.raises(ConfigurationError, match="MUSICSPACE_MODELS_DIR") as caught:
        load_serving(serving_version(session, "m1", folders))
    assert caught.value.code == "artifact-missing"
    card = first.folder / "m1" / "card.json"
    assert train().known
    card.write_text(card.read_text() + " ")
    with pytest.raises(ConfigurationError, match="not the one that was recorded"):
        load_serving(serving_version(session, "m1", folders))


def test_without_a_holdout_a_person_decides(train, session, folders):
    candidate = train(holdouts=False)
    assert candidate.state is ModelState.CANDIDATE
    assert promote(session, "m1", candidate.version, folders, "looked at it").state is ModelState.PROMOTED
    assert "looked at it" in rows.find_version(session, "m1", candidate.version).reason


def test_a_version_that_cannot_be_loaded_costs_no_training(train, session, folders):
    first = train(seed=1)
    shutil.rmtree(first.folder)
    second = train(seed=2)
    assert (second.state, second.baseline) == (ModelState.CANDIDATE, first.version)
    assert serving_version(session, "m1", folders).version == first.version


def test_each_rollback_goes_one_promotion_back(train, ship, session, folders):
    shipped = ship(misleading=True)
    first, second, third = (train(seed=seed, tolerance=1.0).version for seed in (1, 2, 3))
    assert rollback(session, "m1", folders, "tempo is off") == second
    fourth = train(seed=4, tolerance=1.0).version
    assert [rollback(session, "m1", folders) for _ in range(3)] == [second, first, shipped.version], "third was bad"
    with pytest.raises(PermanentError, match="nothing to roll back"):
        rollback(session, "m1", folders)
    assert {row.state for row in rows.list_versions(session, "m1")} == {ModelState.RETIRED}
    history = {row.version: row for row in model_overview(session, "m1", folders).promotions}
    assert list(history) == [first, second, third, fourth]
    assert history[third].rollback_reason == "tempo is off"
    assert all(row.rolled_back_at is not None for row in history.values())


def test_promoting_an_old_version_again_can_be_rolled_back_too(train, session, folders):
    first, second = (train(seed=seed, tolerance=1.0).version for seed in (1, 2))
    promote(session, "m1", first, folders)
    assert serving(session, folders) == first
    assert rollback(session, "m1", folders) == second
    assert rollback(session, "m1", folders) == first
    with pytest.raises(ConfigurationError):
        rollback(session, "m1", folders)
    session.rollback()


@pytest.mark.parametrize("version", ["9-nothing", "", "버전", "a\0b", "\udcff"])
def test_unknown_versions_and_models_are_told(session, folders, version):
    with pytest.raises(PermanentError, match="There is no version"):
        promote(session, "m1", version, folders)
    with pytest.raises(PermanentError, match="no predictor"):
        promote(session, "m9", version, folders)


def test_what_cannot_be_used_is_not_promoted(train, session, folders):
    first, second = train(seed=1), train(seed=2, tolerance=1.0)
    with pytest.raises(PermanentError, match="serves already"):
        promote(session, "m1", second.version, folders)
    shutil.rmtree(first.folder)
    with pytest.raises(ConfigurationError):
        promote(session, "m1", first.version, folders)
    with pytest.raises(ConfigurationError):
        rollback(session, "m1", folders)
    assert serving(session, folders) == second.version


def test_an_overview_names_every_predictor(train, session, folders):
    trained = train()
    overview = {model.name: model for model in list_models(session, folders)}
    assert overview["m1"].serving == trained.version
    assert overview["m1"].shipped is None
    assert [row.version for row in overview["m1"].versions] == [trained.version]


def test_promotions_at_once_leave_one_that_serves(train, session, folders, database_url):
    """Each promotion is on the history, and rolling all of them back ends where it began."""
    versions = [train(seed=seed, tolerance=1.0).version for seed in range(4)]

    def push(version):
        with open_session(database_url) as own:
            try:
                promote(own, "m1", version, folders)
            except PermanentError as error:
                return error.code
            own.commit()
            return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(push, versions * 4))
    assert set(outcomes) <= {None, "wrong-state"}
    states = [row.state for row in rows.list_versions(session, "m1")]
    assert sorted(states) == [ModelState.PROMOTED, *[ModelState.RETIRED] * 3]
    overview = model_overview(session, "m1", folders)
    assert overview.promotions[-1].version == overview.serving
    assert len(overview.promotions) == 4 + outcomes.count(None)
    assert all(
        before.version != after.version
        for before, after in zip(overview.promotions, overview.promotions[1:], strict=False)
    )


def test_trainings_at_once_are_judged_one_after_the_other(train, session, folders, database_url):
    """Whichever comes first, the worst does not end up serving."""
    train(misleading=True)

    def run(options):
        with open_session(database_url) as own:
            return train(own, **options)

    with ThreadPoolExecutor(2) as pool:
        good, bad = pool.map(run, [{"seed": 1}, {"seed": 2, "misleading": True}])
    assert serving(session, folders) == good.version
    assert good.state is ModelState.PROMOTED
    assert bad.baseline is not None
