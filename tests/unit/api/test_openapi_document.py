"""The OpenAPI document is complete: what each endpoint does, takes and answers, with examples."""

import json

import pytest

WRITES = {
    "/api/playlists/import",
    "/api/enrich-all",
    "/api/look-ups",
    "/api/audio/analyze",
    "/api/jobs/{job_id}/cancel",
    "/api/jobs/{job_id}/retry",
    "/api/work-items/{item_id}/replay",
    "/api/models/{name}/train",
    "/api/models/{name}/promote",
    "/api/models/{name}/rollback",
    "/api/dj/feedback",
    "/api/interactions",
    "/api/init-models",
    "/api/m1/train",
    "/api/m2/train",
    "/api/m3/train",
    "/api/users/{user_id}/models/{kind}/rollback",
}
#: Writes that remove something.
REMOVALS = {"/api/users/{user_id}"}
#: Reads whose question is too long for a query string.
QUESTIONS = {"/api/dj/recommend", "/api/dj/session", "/api/m2/predict-audio"} | {
    f"/api/{of}recommend" for of in ("", "m1/", "m2/", "m3/")
}
READS = {
    "/api/enrich-status",
    "/api/jobs",
    "/api/jobs/{job_id}",
    "/api/jobs/{job_id}/events",
    "/api/work-items",
    "/api/work-items/{item_id}",
    "/api/tracks/{track_id}",
    "/api/tracks/{track_id}/audio",
    "/api/audio/status",
    "/api/models",
    "/api/m2/similar/{track_id}",
    "/api/models/usage",
    "/api/users/{user_id}/deletion",
    "/api/users/{user_id}/models",
    "/api/{kind}/status/{user_id}",
    "/api/providers",
    "/metrics",
    "/healthz",
    "/readyz",
}


@pytest.fixture(scope="module")
def document(lone_api):
    return json.loads(json.dumps(lone_api.openapi()))


@pytest.fixture(scope="module")
def operations(document):
    return {(path, method): found for path, methods in document["paths"].items() for method, found in methods.items()}


def resolve(document, schema):
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]


def has_example(document, content):
    """At the media type, or in the schema it refers to."""
    return "example" in content or "examples" in content or "examples" in resolve(document, content["schema"])


def test_every_endpoint_is_there(operations):
    posts, gets = {(path, "post") for path in WRITES | QUESTIONS}, {(path, "get") for path in READS}
    assert set(operations) == posts | gets | {(path, "delete") for path in REMOVALS}


def test_each_endpoint_says_what_it_does(operations, document):
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations.values():
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        assert all("description" in parameter for parameter in operation.get("parameters", ()))


def test_each_answer_has_an_example(operations, document):
    for key, operation in operations.items():
        for status, response in operation["responses"].items():
            for content in response["content"].values():
                assert has_example(document, content), (key, status)


def test_each_endpoint_documents_its_problems(operations):
    for (path, _), operation in operations.items():
        statuses = {
            status for status, found in operation["responses"].items() if "problem" in next(iter(found["content"]))
        }
        assert "500" in statuses
        assert ("401" in statuses) is (path in WRITES | REMOVALS)
        if "{" in path:
            assert {"404", "422", "503"} <= statuses


def test_the_writes_name_the_key(operations, document):
    [scheme] = document["components"]["securitySchemes"]
    for (path, _), operation in operations.items():
        assert ("security" in operation) is (path in WRITES | REMOVALS)
        assert operation.get("security", [{scheme: []}]) == [{scheme: []}]


def test_an_import_takes_a_form_or_json(operations, document):
    body = operations["/api/playlists/import", "post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    for content in body.values():
        assert content["examples"]
        assert {"user_id", "name"} <= set(resolve(document, content["schema"])["properties"])


def test_every_reference_leads_somewhere(document):
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
    assert "$defs" not in text
