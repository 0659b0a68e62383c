"""Whatever is sent, the answer is a success or a problem, never a crash: an unanswered exception fails the client."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.error_codes import ERROR_CODES

IMPORT = "/api/playlists/import"
PATHS = [
    "/api/jobs",
    "/api/jobs/{}",
    "/api/jobs/{}/cancel",
    "/api/jobs/{}/retry",
    "/api/work-items",
    "/api/work-items/{}",
    "/api/work-items/{}/replay",
    "/api/tracks/{}",
    "/api/enrich-status",
]

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
tracks = st.dictionaries(
    st.sampled_from(
        [
            "artist",
            "artists",
            "title",
            "name",
            "album",
            "duration_ms",
            "tempo",
            "explicit",
            "genres",
            "isrc",
            "features",
        ]
    )
    | st.text(max_size=5),
    values,
    max_size=6,
)


def assert_answered(response):
    if response.status_code >= 400:
        problem = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert problem["status"] == response.status_code < 500, problem
        assert problem["code"] in ERROR_CODES


@many
@given(
    path=st.sampled_from(PATHS),
    number=st.integers() | st.text(min_size=1, max_size=10).filter(lambda part: part.strip("./")),
    query=st.dictionaries(
        st.sampled_from(["limit", "before_id", "after_id", "state", "job_id"]), st.integers() | st.text(max_size=5)
    ),
    method=st.sampled_from(["GET", "POST"]),
)
def test_paths_and_queries(client, path, number, query, method):
    url = path.format(quote(str(number), safe=""))
    assert_answered(client.request(method, url, params=query))


@many
@given(rows=st.lists(tracks | values, max_size=4), name=st.text(min_size=1, max_size=20))
def test_json_imports(client, rows, name):
    body = json.dumps({"user_id": 1, "name": name, "tracks": rows})
    assert_answered(client.post(IMPORT, content=body, headers={"content-type": "application/json"}))


@many
@given(
    data=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: f"artist,title\n{text}".encode("utf-8", "replace")),
    filename=st.text(max_size=20),
    name=st.text(max_size=20),
)
def test_file_imports(client, data, filename, name):
    files = {"file": (filename.encode("utf-8", "replace").decode(), data)}
    name = name.encode("utf-8", "replace").decode()
    assert_answered(client.post(IMPORT, files=files, data={"user_id": "1", "name": name}))


@many
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "multipart/form-data; boundary=b"]))
def test_bodies_of_any_bytes(client, body, kind):
    content = b"--b\r\n" + body if kind.startswith("multipart") else body
    assert_answered(client.post(IMPORT, content=content, headers={"content-type": kind}))


@pytest.mark.parametrize(
    "track",
    [
        '{"artist": "a\\u0000b", "title": "c"}',
        '{"artist": "a", "title": "b", "duration_ms": 1e400}',
        '{"artist": "a", "title": "b", "popularity": -1e400}',
        '{"artist": "a", "title": "b", "tempo": NaN}',
        '{"artist": "a", "title": "b", "release_year": 99999999999999999999}',
        '{"artist": "a", "title": "b", "duration_ms": ' + "9" * 4000 + "}",
        '{"artist": "a", "title": "b", "genres": ' + "[" * 150 + "]" * 150 + "}",
        '{"artist": "' + "a" * 100_000 + '", "title": "b"}',
        '{"\\u0000": 1, "artist": {"name": {"name": "a"}}, "title": ["b"]}',
    ],
)
def test_tracks_that_once_broke_somebody(client, track):
    body = f'{{"user_id": 1, "name": "a", "tracks": [{track}, {{"artist": "ok", "title": "ok"}}]}}'
    response = client.post(IMPORT, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 202, response.text
    assert response.json()["rejected"] + response.json()["new_tracks"] == 2
