"""The containers, checked without a container engine; and the checks themselves, on files broken on purpose."""

import os
import shutil
import subprocess
import tomllib
from urllib.parse import urlsplit

import container_checks as checks
import pytest
from container_files import COMPOSE, EXAMPLE_ENV, REPOSITORY, read_containers

from api.app import create_app
from cli.processes import UpOptions, processes
from core.settings import ApiSettings, FlowerSettings, Settings, read_settings
from integrations.embedded.binaries import installed_binaries

CONTAINERS = read_containers()
API, BEAT, FLOWER, MIGRATE, POSTGRES, REDIS = (
    f"deploy/docker/{kind}.Dockerfile" for kind in ("api", "beat", "flower", "migrate", "postgres", "redis")
)
WORKERS = tuple(f"worker-{name}" for name in ("api", "cpu", "gpu", "train", "personal", "maintenance"))
NEED_DATABASE = ("migrate", "api", *WORKERS)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong(check):
    assert list(check(CONTAINERS)) == []


@pytest.mark.parametrize(
    ("check", "path", "old", "new", "problem"),
    [
        (checks.schema, COMPOSE, "read_only:", "readonly:", "'readonly' was unexpected"),
        (checks.schema, COMPOSE, "stop_grace_period: 30s", "stop_grace_period: 30", "30 is not of type 'string'"),
        (checks.schema, COMPOSE, "condition: service_healthy", "condition: healthy", "'healthy' is not one of"),
        (checks.schema, COMPOSE, 'MUSICSPACE_LOG_JSON: "true"', "MUSICSPACE_LOG_JSON: true", "True is not of type"),
        (checks.schema, COMPOSE, "restart: unless-stopped", "restart: unless-stoped", "is not one of"),
        (checks.references, COMPOSE, "docker/beat.", "docker/bet.", "deploy/docker/bet.Dockerfile is missing"),
        (checks.references, COMPOSE, "docker/beat.", "docker/api.", "beat.Dockerfile is used by no service"),
        (checks.references, COMPOSE, "  frontend: {}\n", "", "networks 'frontend' is missing"),
        (checks.references, COMPOSE, "  redis-data: {}\n", "", "volume 'redis-data:/data' is missing"),
        (checks.references, COMPOSE, "/srv/music}:/music:ro", "/srv/music}:/music", "may be written to"),
        (checks.references, COMPOSE, "  migrate:\n    <<", "  migrates:\n    <<", "depends_on 'migrate' is missing"),
        (checks.dependencies, REDIS, "HEALTHCHECK", "LABEL", "redis tells no health"),
        (checks.dependencies, COMPOSE, "service_completed_successfully", "service_started", "wrong condition"),
        (checks.sources, API, "COPY . .", "COPY apis .", "apis does not exist"),
        (checks.sources, API, "COPY . .", "COPY tests .", "tests is ignored"),
        (checks.images, REDIS, "valkey/valkey:9.1-trixie", "valkey/valkey", "is not pinned"),
        (checks.images, REDIS, "valkey:9.1-trixie", "valkey:latest", "is not pinned"),
        (checks.images, POSTGRES, "USER postgres", "USER root", "runs as root"),
        (checks.images, API, "USER 10001:10001", "USER 0:0", "runs as root"),
        (checks.images, BEAT, "USER 10001:10001\n", "", "runs as root"),
        (checks.images, MIGRATE, '["musicspace", "db", "upgrade"]', "musicspace db upgrade", "not in exec form"),
        (checks.common_part, FLOWER, "--constraint constraints.txt ", "", "the common part differs"),
        (checks.commands, COMPOSE, "workers.cpu", "workers.tpu", "'workers.tpu' is no module with an app"),
        (checks.commands, COMPOSE, "workers.cpu", "workers.health", "'workers.health' is no module with an app"),
        (checks.commands, COMPOSE, "--queues=enrich", "--queue=enrich", "No such option"),
        (checks.commands, COMPOSE, "--queues=enrich", "--queues=enrich,embeds", "unknown queue 'embeds'"),
        (checks.commands, COMPOSE, "PROCESSES:-2", "PROCESSES:-two", "concurrency is 'two'"),
        (checks.commands, COMPOSE, "- worker\n", "- work\n", "no command 'work'"),
        (checks.commands, COMPOSE, "- --quiet", "- --silent", "No such option"),
        (checks.commands, COMPOSE, "healthcheck, maintenance", "healthcheck, rest", "wrong arguments ['rest']"),
        (checks.commands, BEAT, "workers.healthcheck", "workers.checkup", "python -m workers.checkup: no such program"),
        (checks.commands, API, "api.server", "api.serve", "python -m api.serve: no such program"),
        (checks.commands, API, "api.server", "api.security", "python -m api.security: no such program"),
        (checks.commands, API, "import http.client", "import httq.client", "health check: python -c"),
        (checks.commands, FLOWER, "--address", "--addresses", "flower: no option '--addresses=0.0.0.0'"),
        (checks.commands, MIGRATE, '"upgrade"', '"upgrades"', "no command 'db upgrades'"),
        (checks.commands, MIGRATE, ', "upgrade"', "", "'db' is a group of commands"),
        (checks.commands, MIGRATE, '"musicspace"', '"music"', "music: no such program"),
        (checks.queues, COMPOSE, "--queues=train", "--queues=enrich", "nobody consumes train"),
        (checks.queues, COMPOSE, "--queues=personal", "--queues=enrich", "nobody consumes personal"),
        (checks.queues, COMPOSE, "--queues=maintenance", "--queues=enrich", "nobody consumes maintenance"),
        (checks.queues, COMPOSE, "healthcheck, maintenance", "healthcheck, enrich", "asks for another queue"),
        (checks.variables, COMPOSE, "MUSICSPACE_API__KEY", "MUSICSPACE_API_KEY", "no setting MUSICSPACE_API_KEY"),
        (checks.variables, API, "MUSICSPACE_API__HOST", "MUSICSPACE_HOST", "no setting MUSICSPACE_HOST"),
        (checks.variables, EXAMPLE_ENV, "MUSICSPACE_LOG_LEVEL", "MUSICSPACE_LOGGING", "no setting MUSICSPACE_LOGGING"),
        (checks.example, EXAMPLE_ENV, "FLOWER_BASIC_AUTH=", "FLOWER_AUTH=", "FLOWER_BASIC_AUTH: "),
        (checks.example, EXAMPLE_ENV, "\nMUSICSPACE_API__KEY=", "\n#MUSICSPACE_API__KEY=", "MUSICSPACE_API__KEY: "),
        (checks.example, EXAMPLE_ENV, "POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=secret", "POSTGRES_PASSWORD=secret"),
        (checks.example, EXAMPLE_ENV, "#API_PORT", "#PORT", "API_PORT: "),
        (checks.example, COMPOSE, "${API_PORT:-8000}", "${API_PORT}", "API_PORT has neither default nor message"),
        (checks.secrets, COMPOSE, "${MUSICSPACE_API__KEY:?", "${MUSICSPACE_API__KEY:-", "neither a required variable"),
        (checks.secrets, COMPOSE, "POSTGRES_PASSWORD: *postgres-password", "POSTGRES_PASSWORD: a", "POSTGRES_PASSWORD"),
        (checks.secrets, COMPOSE, "musicspace@postgres", "musicspace:a@postgres", "DATABASE_URL holds a password"),
        (checks.secrets, REDIS, '"--save", ""', '"--requirepass", "a"', "--requirepass is a secret"),
        (checks.secrets, API, "API__HOST=", "API__KEY=", "API__KEY is in the image"),
        (checks.hardening, COMPOSE, "cap_drop: [ALL]", "cap_drop: []", "cap_drop must be ['ALL']"),
        (checks.hardening, COMPOSE, "  pids_limit: 256\n", "", "no pids_limit"),
        (checks.hardening, COMPOSE, "127.0.0.1:${API", "${API", "is open to others"),
        (checks.hardening, COMPOSE, "internal: true", "internal: false", "the backend network is not internal"),
        (checks.lifecycle, COMPOSE, "unless-stopped", "on-failure", "beat: is not restarted"),
        (checks.lifecycle, COMPOSE, 'restart: "no"', "restart: always", "migrate: restarts for ever"),
        (checks.lifecycle, FLOWER, "HEALTHCHECK", "LABEL", "flower: no health check"),
        (checks.lifecycle, COMPOSE, "period: 30s", "period: 15s", "worker-cpu: is killed after 15 s"),
        (checks.lifecycle, COMPOSE, "stop_grace_period: 20s", "stop_grace_period: 5s", "api: is killed after 5 s"),
    ],
)
def test_the_checks_notice(check, path, old, new, problem):
    assert problem in "\n".join(check(CONTAINERS.changed(path, old, new)))


def test_the_build_gets_the_program_and_nothing_else():
    """The images copy all that .dockerignore lets through."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = project["tool"]["setuptools"]
    needed = {pattern.removesuffix("*") for pattern in setuptools["packages"]["find"]["include"]}
    needed |= {f"{module}.py" for module in setuptools["py-modules"]}
    needed |= {project["project"]["readme"], "pyproject.toml", "constraints.txt"}
    present = {path.name for path in REPOSITORY.iterdir()} | {".env", ".git", ".venv", "tests"}
    assert {name for name in present if not CONTAINERS.ignored(name)} == needed
    assert CONTAINERS.ignored("api/routes/__pycache__/jobs.cpython-311.pyc")
    assert not CONTAINERS.ignored("models/artifacts/m1/card.json")


@pytest.mark.parametrize("service", [name for name in CONTAINERS.services if name not in {"postgres", "redis"}])
def test_the_environment_is_accepted(service, monkeypatch):
    """The settings of each container are valid, name servers that exist, and never mean embedded ones."""
    for name in [name for name in os.environ if name.startswith("MUSICSPACE_")]:
        monkeypatch.delenv(name)
    for name, value in CONTAINERS.environment(service).items():
        if name.startswith("MUSICSPACE_"):
            monkeypatch.setenv(name, value)
    settings = read_settings()
    urls = [settings.required_redis_url]
    if service in NEED_DATABASE:
        urls.append(settings.required_database_url)
        assert "PGPASSWORD" in CONTAINERS.environment(service)
    assert {urlsplit(url).hostname for url in urls} <= set(CONTAINERS.services)
    if service == "api":
        create_app(settings)  # refuses to be open without a key
        assert settings.api.host == "0.0.0.0"


def test_containers_run_what_up_runs():
    """Apart from the address Flower listens on: its own network instead of loopback."""
    settings = Settings(database_url="postgresql://postgres/x", redis_url="redis://redis")
    options = UpOptions(concurrency=2, api_host="127.0.0.1", api_port=8000, flower_port=5555)
    for spec in processes(settings, options, "postgresql://postgres/x", "redis://redis"):
        command = [word.replace("127.0.0.1", "0.0.0.0") for word in spec.argv]
        assert CONTAINERS.command(spec.name) == ["python", *command[1:]]


@pytest.mark.parametrize("service", ["worker-api", "worker-cpu", "worker-gpu", "worker-train"])
def test_a_worker_image_alone_does_what_its_service_does(service):
    assert CONTAINERS.dockerfile(service).words("CMD") == CONTAINERS.command(service)


def test_workers_and_api_see_the_same_models():
    users = ("api", "worker-api", "worker-cpu", "worker-train", "worker-personal", "worker-maintenance")
    folders = {CONTAINERS.environment(service)["MUSICSPACE_MODELS_DIR"] for service in users}
    mounts = {volume.partition(":")[2] for service in users for volume in CONTAINERS.services[service]["volumes"]}
    assert len(folders) == 1
    assert {folder for folder in folders if folder in mounts and f"{folder}:ro" in mounts} == folders


def test_whoever_reads_or_writes_models_of_users_can_do_so_in_s3():
    """The API and those who train or clean up; the library for it is in every image, in a layer they share."""
    for service in ("api", "worker-train", "worker-personal", "worker-maintenance"):
        environment = CONTAINERS.environment(service)
        assert environment.items() >= {"MUSICSPACE_PERSONAL__STORAGE_URL": "", "AWS_ENDPOINT_URL_S3": ""}.items()
        path = CONTAINERS.services[service]["build"]["dockerfile"]
        assert "--constraint constraints.txt '.[s3]'" in CONTAINERS.texts[path]


def test_published_ports_are_the_ones_listened_on():
    for service, port in {"api": ApiSettings().port, "flower": FlowerSettings().port}.items():
        [published] = CONTAINERS.services[service]["ports"]
        assert published.endswith(f":{port}")
        assert CONTAINERS.dockerfile(service).last("EXPOSE") == str(port)
        assert f"'127.0.0.1', {port}," in CONTAINERS.health_command(service)[-1]


def test_the_database_is_the_embedded_one_s_major_version():
    assert CONTAINERS.dockerfiles[POSTGRES].base_images == [f"postgres:{installed_binaries().major}-bookworm"]


def test_compose_itself_accepts_the_file(tmp_path):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("no `docker compose` on this machine; our own schema was checked")
    env = tmp_path / "env"
    env.write_text("".join(f"{name}=x\n" for name, required in CONTAINERS.example_variables.items() if required))
    command = [docker, "compose", "--env-file", str(env), "--file", str(REPOSITORY / COMPOSE), "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
