"""Roll a user's model back over HTTP."""

import pytest
from sqlalchemy import text

from core.personal_settings import PersonalSettings
from core.user_models import ModelKind
from models.recommenders.protocol import TrainedModel
from services.personal.life import storage_of, store_version


@pytest.fixture
def api_settings(api_settings, tmp_path):
    return api_settings.model_copy(update={"personal": PersonalSettings(storage_url=str(tmp_path / "models"))})


@pytest.fixture
def versions(session, api_settings):
    session.execute(text("INSERT INTO users (id) VALUES (1)"))
    stored = [
        store_version(
            session, storage_of(api_settings), 1, TrainedModel(ModelKind.M1, "m1-1", {"x.npz": content}, {"n": n})
        )
        for n, content in enumerate((b"1", b"2"))
    ]
    session.commit()
    return [model.version for model in stored]


def test_the_version_before_serves_again(client, versions):
    answer = client.post("/api/users/1/models/m1/rollback")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["user_id"], body["kind"], body["version"], body["metrics"]) == (1, "m1", versions[0], {"n": 0})
    assert client.post("/api/users/1/models/m1/rollback").json()["version"] == versions[1]


def test_the_files_are_looked_at_first(client, versions, tmp_path):
    (tmp_path / "models/m1/1" / versions[0] / "x.npz").unlink()
    answer = client.post("/api/users/1/models/m1/rollback")
    assert (answer.status_code, answer.json()["code"]) == (500, "user-model-corrupt")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("1/models/m2", 404, "model-missing"),
        ("2/models/m1", 404, "model-missing"),
        ("1/models/m4", 422, "invalid-request"),
        ("0/models/m1", 422, "invalid-request"),
        ("x/models/m1", 422, "invalid-request"),
    ],
)
def test_what_cannot_be_rolled_back(client, versions, path, status, code):
    answer = client.post(f"/api/users/{path}/rollback")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_with_the_key(anonymous, versions):
    assert anonymous.post("/api/users/1/models/m1/rollback").status_code == 401
