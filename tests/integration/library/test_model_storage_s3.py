"""Models of users in S3, spoken to over a real connection; the server is moto's."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer
from planted_models import CONTENT, plant_row
from sqlalchemy import text

from core.errors import ConfigurationError, PermanentError, RetryableError
from core.personal_settings import PersonalSettings
from core.user_models import ModelKind
from db.engine import open_session
from integrations.model_storage import ModelStorage
from models.recommenders.protocol import TrainedModel
from services.personal import cleanup, life
from services.personal.cleanup import CleanUp, Found

SECRET = "wJalrXUtnFEMI"


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint):
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="y", region_name="us-east-1"
    )


@pytest.fixture
def bucket(client, request):
    name = f"bucket-{abs(hash(request.node.nodeid))}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def options(endpoint):
    return {"endpoint_url": endpoint, "key": "AKIA", "secret": SECRET}


@pytest.fixture
def storage(bucket, options):
    return ModelStorage(f"s3://{bucket}/models", options)


def keys(client, bucket):
    return sorted(found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", []))


def test_versions_are_written_listed_read_and_deleted(storage, client, bucket):
    stored = storage.write("m1/123/a", CONTENT)
    storage.write("m1/12/a", CONTENT)
    storage.write("m3/community/b", CONTENT)
    assert storage.read("m1/123/a", stored.sha256) == CONTENT
    assert keys(client, bucket)[3:6] == [
        f"models/m1/123/a/{name}" for name in ("files.json", "model.npz", "words.json")
    ]
    [folder] = storage.list("m1/123")
    assert (folder.path, folder.files, folder.size_bytes, folder.whole) == ("m1/123/a", 3, stored.size_bytes, True)
    assert abs(folder.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert [folder.path for folder in storage.list()] == ["m1/12/a", "m1/123/a", "m3/community/b"]
    storage.delete("m1/12/a")
    storage.delete("m1/12/a")
    assert [folder.path for folder in storage.list()] == ["m1/123/a", "m3/community/b"]


def test_a_version_never_changes_and_neighbors_are_others(storage):
    stored = storage.write("m1/1/a", CONTENT)
    with pytest.raises(PermanentError, match="m1/1/a is there already"):
        storage.write("m1/1/a", {"model.npz": b"2"})
    storage.write("m1/1/ab", CONTENT)
    storage.delete("m1/1/ab")
    assert storage.read("m1/1/a", stored.sha256) == CONTENT
    assert (storage.holds("m1/1/a"), storage.holds("m1/1/ab")) == (True, False)


def test_what_was_changed_or_lost_is_not_read(storage, client, bucket):
    stored = storage.write("m1/1/a", CONTENT)
    client.put_object(Bucket=bucket, Key="models/m1/1/a/model.npz", Body=b"x")
    with pytest.raises(PermanentError, match=r"model\.npz is not what was recorded"):
        storage.read("m1/1/a", stored.sha256)
    client.delete_object(Bucket=bucket, Key="models/m1/1/a/model.npz")
    with pytest.raises(PermanentError, match=r"lacks model\.npz") as failure:
        storage.read("m1/1/a", stored.sha256)
    assert failure.value.code == "user-model-corrupt"


def test_a_writer_that_dies_leaves_no_version(storage, client, bucket):
    """The manifest is the last object; what comes before it counts as left behind."""
    for name, content in CONTENT.items():
        client.put_object(Bucket=bucket, Key=f"models/m1/1/a/{name}", Body=content)
    assert not storage.holds("m1/1/a")
    [folder] = storage.list()
    assert (folder.whole, folder.files) == (False, 2)
    storage.delete("m1/1/a")
    assert keys(client, bucket) == []


def test_strangers_stay(storage, client, bucket):
    storage.write("m1/1/a", CONTENT)
    odd = ["models/photo.jpg", "models/m1/1/a/photo.jpg", "models/m1/../x.json", "models/m1/1/a/b/x.json", "modelsx/y"]
    for key in [*odd, "models/m1/"]:
        client.put_object(Bucket=bucket, Key=key, Body=b"dear")
    assert sorted(storage.strangers()) == ["m1/../x.json", "m1/1/a/b/x.json", "m1/1/a/photo.jpg", "photo.jpg"]
    storage.delete("m1/1/a")
    assert set(odd) <= set(keys(client, bucket))
    assert "models/m1/1/a/model.npz" not in keys(client, bucket)


CALLS = {
    "list": lambda storage: list(storage.list()),
    "strangers": lambda storage: list(storage.strangers()),
    "holds": lambda storage: storage.holds("m1/1/a"),
    "read": lambda storage: storage.read("m1/1/a", "0" * 64),
    "write": lambda storage: storage.write("m1/1/a", CONTENT),
    "delete": lambda storage: storage.delete("m1/1/a"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("url", "changed", "reason"),
    [
        ("s3://bucket-none/models", {}, "NoSuchBucket"),
        ("s3://bucket/models", {"endpoint_url": "http://127.0.0.1:1"}, "EndpointConnectionError"),
    ],
)
def test_a_storage_that_is_not_there_is_no_lost_model(options, url, changed, reason, call):
    storage = ModelStorage(url, options | changed)
    with pytest.raises(RetryableError, match=reason) as failure:
        CALLS[call](storage)
    assert failure.value.code == "model-storage-unavailable"
    assert SECRET not in failure.value.message


@pytest.mark.parametrize("changed", [{"endpoint_url": "nonsense"}, {"colour": "blue"}])
def test_options_that_cannot_be_used(bucket, options, changed):
    with pytest.raises(ConfigurationError, match="MUSICSPACE_PERSONAL__STORAGE_OPTIONS") as failure:
        list(ModelStorage(f"s3://{bucket}/models", options | changed).list())
    assert SECRET not in failure.value.message


def test_a_forked_process_has_connections_of_its_own(storage):
    """Workers fork after they have loaded what they need."""
    stored = storage.write("m1/1/a", CONTENT)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if storage.read("m1/1/a", stored.sha256) == CONTENT else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_a_life_in_s3(session, database_url, settings, bucket, options, client):
    """By the settings alone: stored, swapped, rolled back, cleaned up; an orphan of another kind is too young."""
    personal = PersonalSettings(storage_url=f"s3://{bucket}/models", storage_options=options)
    storage = life.storage_of(settings.model_copy(update={"personal": personal}))
    session.execute(text("INSERT INTO users (id) VALUES (1), (2)"))
    for content in (b"1", b"2", b"3"):
        stored = life.store_version(session, storage, 1, TrainedModel(ModelKind.M1, "m1-1", {"x.npz": content}))
        session.commit()
    back = life.roll_back(session, storage, 1, ModelKind.M1)
    plant_row(session, "m1/2/lost", "0")
    session.commit()
    storage.write("m2/1/young", CONTENT)
    assert life.load_files(storage, back) == {"x.npz": b"2"}
    session.execute(text("UPDATE user_models SET last_used_at = now() - interval '100 days' WHERE user_id = 1"))
    session.commit()
    with open_session(database_url) as own:
        steps = [(step, own.commit()) for step in cleanup.clean_up(own, CleanUp(storage, 90))]
    counts = {what: sum(step is not None and step.what is what for step, _ in steps) for what in Found}
    assert counts == {**dict.fromkeys(Found, 0), Found.DANGLING: 1, Found.MARKED: 1, Found.UNUSED: 2}
    assert stored.row is not None
    assert keys(client, bucket) == [f"models/m2/1/young/{name}" for name in ("files.json", "model.npz", "words.json")]


def test_a_clean_up_of_a_storage_that_is_away_changes_nothing(session, options):
    plant_row(session, "m1/1/a", "0", unused_days=100)
    session.commit()
    away = ModelStorage("s3://bucket/models", options | {"endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(RetryableError):
        next(cleanup.clean_up(session, CleanUp(away, 90)))
    session.rollback()
    assert session.scalars(text("SELECT state FROM user_models")).all() == ["serving"]


def test_without_the_library_the_message_says_what_to_install():
    script = """
import sys
sys.modules["s3fs"] = None
from integrations.model_storage import ModelStorage
try:
    list(ModelStorage("s3://bucket/models").list())
except Exception as error:
    print(error.code, error.message)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.startswith("extra-missing")
    assert 'pip install "musicspace[s3]"' in told


def test_many_versions_are_removed_at_once_and_what_is_not_ours_stays(storage, client, bucket, monkeypatch):
    paths = [f"m1/{user}/a" for user in range(1, 61)]
    for path in (*paths, "m1/99/a"):
        storage.write(path, CONTENT)
    client.put_object(Bucket=bucket, Key="models/m1/7/a/photo.jpg", Body=b"dear")
    on_their_way = []
    system, _ = storage._place._system()
    removing = type(system)._rm_file
    running = 0

    async def counted(self, path, **options):
        nonlocal running
        running += 1
        on_their_way.append(running)
        try:
            return await removing(self, path, **options)
        finally:
            running -= 1

    monkeypatch.setattr(type(system), "_rm_file", counted)
    storage.delete(*paths, "m1/100/a")
    assert keys(client, bucket) == [
        "models/m1/7/a/photo.jpg",
        *(f"models/m1/99/a/{name}" for name in ("files.json", "model.npz", "words.json")),
    ]
    assert (len(on_their_way), max(on_their_way) > 10) == (180, True)


def test_files_that_may_not_be_removed_are_told(storage, client, bucket, endpoint):
    """A policy that lets nobody delete: a bulk removal would come back as if all were well."""
    storage.write("m1/1/a", CONTENT)
    storage.write("m1/2/a", CONTENT)
    system, _ = storage._place._system()

    async def denied(path, **options):
        raise PermissionError("AccessDenied")

    system._rm_file = denied
    try:
        with pytest.raises(RetryableError, match="m1/1/a, m1/2/a") as failure:
            storage.delete("m1/1/a", "m1/2/a")
    finally:
        del system._rm_file
    assert failure.value.code == "model-storage-unavailable"
    assert len(keys(client, bucket)) == 6


def test_a_clean_up_in_s3_goes_in_batches_and_leaves_what_is_used(session, database_url, storage):
    for user in range(1, 8):
        stored = storage.write(f"m1/{user}/a", CONTENT)
        plant_row(session, f"m1/{user}/a", stored.sha256, unused_days=0 if user == 3 else 100)
    stored = storage.write("m1/9/a", CONTENT)
    plant_row(session, "m1/9/a", stored.sha256, state="deleting")
    session.commit()
    with open_session(database_url) as own:
        steps = [(step, own.commit())[0] for step in cleanup.clean_up(own, CleanUp(storage, 90))]
    assert [(step.what, step.path) for step in steps if step] == [
        (Found.MARKED, "m1/9/a"),
        *((Found.UNUSED, f"m1/{user}/a") for user in (1, 2, 4, 5, 6, 7)),
    ]
    assert [folder.path for folder in storage.list()] == ["m1/3/a"]
    assert session.scalars(text("SELECT path FROM user_models")).all() == ["m1/3/a"]
