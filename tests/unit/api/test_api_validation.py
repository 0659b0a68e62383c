"""What is refused before a database is asked: ids, pages, states, forms, JSON, keys."""

import json

import pytest

from services.playlists.reader import MAX_NAME_LENGTH

IMPORT = "/api/playlists/import"
TRACKS = [{"artist": "a", "title": "b"}]


def invalid_fields(response):
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request"), response.text
    assert response.headers["content-type"] == "application/problem+json"
    return [item["field"] for item in response.json()["errors"]]


@pytest.mark.parametrize("number", [2**63, 0, -1, "x", "9" * 5000, "1.5", "%00"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/jobs/{}", "job_id"),
        ("/api/jobs/{}/events", "job_id"),
        ("/api/work-items/{}", "item_id"),
        ("/api/tracks/{}", "track_id"),
    ],
)
def test_ids_fit_the_database(keyless_client, path, field, number):
    assert invalid_fields(keyless_client.get(path.format(number))) == [f"path.{field}"]


@pytest.mark.parametrize(
    "path_and_query",
    [
        *(f"/api/jobs?{query}" for query in ("limit=0", "limit=-1", "limit=501", "limit=x", "limit=", "before_id=-1")),
        f"/api/jobs?before_id={2**63}",
        *(f"/api/work-items?{query}" for query in ("state=broken", "state=", "job_id=0", "after_id=-1", "limit=0")),
        *(f"/api/work-items?{query}={2**63}" for query in ("job_id", "after_id")),
    ],
)
def test_pages_and_states_are_checked(keyless_client, path_and_query):
    name = path_and_query.partition("?")[2].partition("=")[0]
    assert invalid_fields(keyless_client.get(path_and_query)) == [f"query.{name}"]


@pytest.mark.parametrize(
    "path",
    [IMPORT, "/api/enrich-all", "/api/jobs/1/cancel", "/api/jobs/1/retry", "/api/work-items/1/replay"],
)
@pytest.mark.parametrize("key", [None, "", "wrong", "열쇠", "key-of-the-unit-test"])
def test_writes_need_the_key(keyless_client, path, key):
    response = keyless_client.post(path, headers={} if key is None else {"X-API-Key": key.encode()})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_a_form_names_what_it_lacks(lone_client):
    assert invalid_fields(lone_client.post(IMPORT, files={"file": ("a.csv", "x")})) == ["body.user_id"]
    assert invalid_fields(lone_client.post(IMPORT, files={"user_id": (None, "1")})) == ["body.file"]
    text_instead_of_a_file = {"user_id": (None, "1"), "file": (None, "x")}
    assert invalid_fields(lone_client.post(IMPORT, files=text_instead_of_a_file)) == ["body.file"]
    files_instead_of_text = {"user_id": ("a", "1")}
    assert invalid_fields(lone_client.post(IMPORT, files=files_instead_of_text)) == ["body.file", "body.user_id"]


@pytest.mark.parametrize("user_id", ["0", "-1", "x", "", "1.5", str(2**63), "9" * 5000, "1\x00"])
def test_the_user_id_of_a_form_is_a_positive_bigint(lone_client, user_id):
    form = {"files": {"file": ("a.csv", "x")}, "data": {"user_id": user_id}}
    assert invalid_fields(lone_client.post(IMPORT, **form)) == ["body.user_id"]


@pytest.mark.parametrize("user_id", ["0", "-1", "true", "1.5", '"1"', "null", str(2**63), "1e400", "[1]", "9" * 4000])
def test_the_user_id_in_json_is_a_positive_bigint(lone_client, user_id):
    body = f'{{"user_id": {user_id}, "name": "a", "tracks": []}}'
    response = lone_client.post(IMPORT, content=body, headers={"content-type": "application/json"})
    assert invalid_fields(response) == ["body.user_id"]


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "a\nb", "x" * (MAX_NAME_LENGTH + 1), None, 5])
def test_a_name_is_storable(lone_client, name):
    response = lone_client.post(IMPORT, json={"user_id": 1, "name": name, "tracks": TRACKS})
    assert invalid_fields(response) == ["body.name"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"null",
        b'{"user_id": 1, "name": "a", "tracks": ' + b"[" * 100_000,
        b'{"user_id": 1, "name": "a", "tracks": {}}',
        b'{"user_id": 1, "name": "\\ud800", "tracks": []}',
        b'{"user_id": 1, "name": "\xff", "tracks": []}',
        json.dumps({"user_id": 1, "name": "a", "tracks": TRACKS}).encode("utf-16"),
    ],
)
def test_broken_json_is_an_invalid_request(lone_client, body):
    assert invalid_fields(lone_client.post(IMPORT, content=body, headers={"content-type": "application/json"}))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=b", b"no boundary here"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx',
        ),
        ("multipart/form-data; boundary=b; charset=zzz", b"--b--"),
        ("multipart/form-data; boundary=b", b""),
    ],
)
def test_a_broken_form_is_an_invalid_request(lone_client, content_type, body):
    assert invalid_fields(lone_client.post(IMPORT, content=body, headers={"content-type": content_type}))


@pytest.mark.parametrize("content_type", [None, "", "text/csv", "application/x-www-form-urlencoded", "zzz", ";"])
def test_other_content_types_are_refused(lone_client, content_type):
    headers = {} if content_type is None else {"content-type": content_type}
    response = lone_client.post(IMPORT, content=b"user_id=1", headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "invalid-request")
