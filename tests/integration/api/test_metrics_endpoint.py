"""What Prometheus scrapes, and the usage of models over HTTP."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.app import create_app
from core import metrics
from core.metrics import DATABASE_METRICS, PROCESS_METRICS, observe_recommendation
from core.user_models import ModelKind
from db.repositories.user_models import NewVersion, push
from services.personal.usage import snapshot_day

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "RECOMMENDERS.md"


@pytest.fixture
def models(session):
    """Two versions of M1 of user 7, one of M2 of user 8, unused for an hour, and one of the community."""
    session.execute(text("INSERT INTO users (id) VALUES (7), (8)"))
    for user, kind, version in ((7, "m1", "1"), (7, "m1", "2"), (8, "m2", "1"), (None, "m3", "1")):
        push(session, NewVersion(user, ModelKind(kind), version, f"{kind}/{user}/{version}", "0" * 64, 100, {}))
    session.execute(text("UPDATE user_models SET last_used_at = now() - interval '1 hour' WHERE kind = 'm2'"))
    session.commit()


def samples(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_models_are_told_by_kind_and_state(anonymous, models):
    found = samples(anonymous)
    assert found["musicspace_user_models", ("kind", "m1"), ("state", "serving")] == 1
    assert found["musicspace_user_models", ("kind", "m1"), ("state", "previous")] == 1
    assert found["musicspace_user_models", ("kind", "m1"), ("state", "deleting")] == 0
    assert found["musicspace_user_models", ("kind", "community"), ("state", "serving")] == 1
    assert found["musicspace_user_models", ("kind", "m3"), ("state", "serving")] == 0
    assert found["musicspace_user_models_bytes", ("kind", "m1")] == 200
    assert 3600 <= found["musicspace_user_models_oldest_unused_seconds", ("kind", "m2")] < 3700
    assert found["musicspace_database_up",] == 1


def test_work_trainings_and_removals_are_counted(anonymous, session, make_tracks, make_job):
    make_job(make_tracks(3))
    session.execute(text("UPDATE work_items SET kind = 'train-user' WHERE id = 1"))
    session.execute(text("UPDATE work_items SET state = 'failed', finished_at = now() WHERE id = 1"))
    snapshot_day(session, {"m1": 5})
    snapshot_day(session, {"m1": 2, "m3": 1})
    session.commit()
    found = samples(anonymous)
    assert found["musicspace_work_items", ("kind", "enrich"), ("state", "queued")] == 2
    assert found["musicspace_trainings_total", ("kind", "m1"), ("outcome", "failed")] == 1
    assert found["musicspace_user_models_removed_total", ("kind", "m1")] == 7
    assert found["musicspace_user_models_removed_total", ("kind", "m3")] == 1


def test_values_of_the_database_are_kept_for_some_seconds(anonymous, session, models, api):
    before = samples(anonymous)
    session.execute(text("DELETE FROM user_models"))
    session.commit()
    key = ("musicspace_user_models", ("kind", "m1"), ("state", "serving"))
    assert samples(anonymous)[key] == before[key] == 1
    assert samples(TestClient(create_app(api.state.settings)))[key] == 0


def test_answers_of_this_process_are_timed(anonymous):
    def count(outcome):
        key = ("musicspace_recommendation_seconds_count", ("model", "m2"), ("outcome", outcome))
        return samples(anonymous).get(key, 0)

    before = count("ok"), count("error")
    assert anonymous.post("/api/m2/recommend", json={"user_id": 99}).status_code == 404
    with observe_recommendation("m2"):
        pass
    assert (count("ok"), count("error")) == (before[0] + 1, before[1] + 1)


def test_without_a_database_the_process_still_answers(api_settings):
    away = api_settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    found = samples(TestClient(create_app(away)))
    assert found["musicspace_database_up",] == 0
    assert not [key for key in found if key[0] == "musicspace_user_models"]


def test_no_label_names_a_user(anonymous, models):
    assert not any("user" in label for metric in DATABASE_METRICS for label in metric.labels)
    assert set(metrics.RECOMMENDATION_SECONDS._labelnames) == {"model", "outcome"}
    assert {key[0] for key in samples(anonymous) if key[0].startswith("musicspace_user_models")} == {
        metrics.MODELS.name,
        metrics.MODEL_BYTES.name,
        metrics.UNUSED_SECONDS.name,
    }


def test_every_metric_is_documented():
    page = DOCUMENT.read_text(encoding="utf-8")
    names = [*(metric.name for metric in DATABASE_METRICS), *PROCESS_METRICS]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_usage_of_models_over_http(anonymous, models):
    usage = anonymous.get("/api/models/usage", params={"top": 1}).json()
    assert (usage["models"], usage["users"], usage["size_bytes"]) == (4, 2, 400)
    assert usage["top_users"] == [{"user_id": 7, "models": 2, "size_bytes": 200}]
    assert [kind["kind"] for kind in usage["kinds"]] == ["m1", "m2", "m3", "community"]
    assert usage["growth"] == [{"days": days, "since": None, "models": None, "size_bytes": None} for days in (7, 30)]
    assert anonymous.get("/api/models/usage", params={"top": 1001}).status_code == 422
