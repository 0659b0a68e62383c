"""What must hold for the containers. Each check returns what is wrong, in words; none for files that are right."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from container_commands import celery_queues, command_problems
from container_files import COMPOSE, EXAMPLE_ENV, INTERPOLATION, REPOSITORY, Containers, interpolated
from jsonschema import Draft202012Validator

from api.server import GRACE_S
from core.reference_pages import settings_rows
from core.settings import WorkerSettings
from tasks.queues import Queue

SCHEMA = json.loads(Path(__file__).with_name("compose.schema.json").read_text(encoding="utf-8"))
ONE_SHOT = {"migrate"}
CALLS_PROVIDERS = {"worker-api"}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH|CREDENTIAL")
# A tag that names a version: without one, every rebuild may bring another.
PINNED = re.compile(r"[\w./-]+:\d[\w.-]*")
COMMON_END = "USER 10001:10001\n"


def schema(containers: Containers) -> Iterator[str]:
    """The file is valid Compose, of the kind we use."""
    for error in Draft202012Validator(SCHEMA).iter_errors(containers.compose):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"


def references(containers: Containers) -> Iterator[str]:
    """Networks, volumes, services and Dockerfiles that are named exist, and every Dockerfile is used."""
    compose = containers.compose
    used = set()
    for name, service in containers.services.items():
        used.add(service["build"]["dockerfile"])
        for kind, declared in (("networks", compose["networks"]), ("depends_on", containers.services)):
            yield from (
                f"{name}: {kind} {other!r} is missing" for other in service.get(kind, ()) if other not in declared
            )
        for volume in service.get("volumes", ()):
            source = interpolated(volume)
            # A folder of the machine belongs to somebody else.
            if source.startswith("/"):
                if not source.endswith(":ro"):
                    yield f"{name}: {volume!r} may be written to"
            elif source.partition(":")[0] not in compose["volumes"]:
                yield f"{name}: volume {volume!r} is missing"
    yield from (f"{path} is missing" for path in sorted(used - set(containers.dockerfiles)))
    yield from (f"{path} is used by no service" for path in sorted(set(containers.dockerfiles) - used))


def dependencies(containers: Containers) -> Iterator[str]:
    """Who waits for health waits for something that tells it; who waits for an end, for something that ends."""
    for name, service in containers.services.items():
        for other, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy" and containers.health_command(other) is None:
                yield f"{name}: {other} tells no health"
            if (wait["condition"] == "service_completed_successfully") != (other in ONE_SHOT):
                yield f"{name}: wrong condition for {other}"


def sources(containers: Containers) -> Iterator[str]:
    """What the Dockerfiles copy exists and reaches the build."""
    for path, dockerfile in containers.dockerfiles.items():
        for source in dockerfile.sources:
            if source == ".":
                continue
            if not (REPOSITORY / source).exists():
                yield f"{path}: {source} does not exist"
            elif containers.ignored(source.rstrip("/")):
                yield f"{path}: {source} is ignored"


def images(containers: Containers) -> Iterator[str]:
    """Pinned base images, an ordinary user, commands in exec form."""
    for path, dockerfile in containers.dockerfiles.items():
        yield from (f"{path}: {image} is not pinned" for image in dockerfile.base_images if not PINNED.fullmatch(image))
        if (dockerfile.last("USER") or "root").partition(":")[0] in {"root", "0"}:
            yield f"{path}: runs as root"
        if dockerfile.words("CMD") is None:
            yield f"{path}: CMD is not in exec form"


def common_part(containers: Containers) -> Iterator[str]:
    """Python images begin alike, after the line that says what each is, so that their layers are built once."""
    ours = {path: text.partition("\n")[2] for path, text in containers.texts.items() if "FROM python" in text}
    starts = {path: text.partition(COMMON_END)[0] for path, text in ours.items()}
    expected = starts["deploy/docker/api.Dockerfile"]
    yield from (f"{path}: the common part differs" for path, start in starts.items() if start != expected)


def commands(containers: Containers) -> Iterator[str]:
    """Every command and health check exists in the code."""
    for name in containers.services:
        yield from (f"{name}: {problem}" for problem in command_problems(containers.command(name) or []))
        if health := containers.health_command(name):
            yield from (f"{name}: health check: {problem}" for problem in command_problems(health))


def queues(containers: Containers) -> Iterator[str]:
    """Every queue is consumed, and a worker's health check asks for a queue it consumes."""
    consumed = {name: celery_queues(containers.command(name) or []) for name in containers.services}
    yield from (f"nobody consumes {queue!s}" for queue in Queue if queue not in set().union(*consumed.values()))
    for name, own in consumed.items():
        if own and (containers.health_command(name) or [""])[-1] not in own:
            yield f"{name}: its health check asks for another queue"


def variables(containers: Containers) -> Iterator[str]:
    """Every setting that is named exists."""
    known = {name for name, _, _ in settings_rows()}
    for path, text in containers.texts.items():
        unknown = set(re.findall(r"MUSICSPACE_\w+", text)) - known
        yield from (f"{path}: no setting {name}" for name in sorted(unknown))


def example(containers: Containers) -> Iterator[str]:
    """The example file has every variable of the compose file and no other; what is required is there, and empty."""
    found = list(INTERPOLATION.finditer(containers.texts[COMPOSE]))
    required = {match["name"] for match in found if match["kind"] == "?"}
    optional = {match["name"] for match in found if match["kind"] == "-"}
    yield from (f"{match['name']} has neither default nor message" for match in found if match["kind"] is None)
    examples = containers.example_variables
    for name in sorted(required | optional | set(examples)):
        if examples.get(name) is not (True if name in required else False if name in optional else None):
            yield f"{name}: {EXAMPLE_ENV} and {COMPOSE} disagree"
    yield from re.findall(r"^\w+=\S+", containers.texts[EXAMPLE_ENV], re.MULTILINE)


def secrets(containers: Containers) -> Iterator[str]:
    """No secret is written down: not in an image, an environment, a URL or an argument."""
    for path, dockerfile in containers.dockerfiles.items():
        yield from (f"{path}: {name} is in the image" for name in dockerfile.variables if SECRET.search(name.upper()))
    for name, service in containers.services.items():
        for key, value in service.get("environment", {}).items():
            found = INTERPOLATION.fullmatch(value)
            # Required, or empty where it is not set.
            if SECRET.search(key) and not (found and (found["kind"] == "?" or found["text"] == "")):
                yield f"{name}: {key} is neither a required variable nor empty by default"
            if "://" in value and urlsplit(interpolated(value)).password is not None:
                yield f"{name}: {key} holds a password"
        words = containers.command(name) or []
        yield from (f"{name}: {word} is a secret" for word in words if re.search("pass|auth|secret", word))


def hardening(containers: Containers) -> Iterator[str]:
    """As few rights as possible, bounded resources and logs, ports on loopback, servers on a closed network."""
    for name, service in containers.services.items():
        expected = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
        yield from (f"{name}: {key} must be {value}" for key, value in expected.items() if service.get(key) != value)
        yield from (f"{name}: no {key}" for key in ("mem_limit", "pids_limit", "logging") if key not in service)
        for port in service.get("ports", ()):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: port {port} is open to others"
        networks = ["backend", "outside"] if name in CALLS_PROVIDERS else ["backend"]
        if "ports" not in service and service.get("networks") != networks:
            yield f"{name}: belongs on the networks {networks} alone"
    if not containers.compose["networks"]["backend"].get("internal"):
        yield "the backend network is not internal"


def lifecycle(containers: Containers) -> Iterator[str]:
    """What should run forever is restarted and checked, and stops in peace."""
    for name, service in containers.services.items():
        if name in ONE_SHOT:
            if service["restart"] not in {"no", "on-failure"}:
                yield f"{name}: restarts for ever"
            continue
        if service["restart"] not in {"always", "unless-stopped"}:
            yield f"{name}: is not restarted"
        if containers.health_command(name) is None:
            yield f"{name}: no health check"
        grace = int(service.get("stop_grace_period", "10s").removesuffix("s"))
        if grace <= _needed_grace(containers.command(name) or []):
            yield f"{name}: is killed after {grace} s"


def _needed_grace(argv: list[str]) -> float:
    if celery_queues(argv):
        return WorkerSettings().soft_shutdown_seconds + 5  # as workers.health allows a stalled worker
    return GRACE_S if "api.server" in argv else 0


CHECKS: tuple[Callable[[Containers], Iterator[str]], ...] = (
    *(schema, references, dependencies, sources, images, common_part, commands, queues, variables),
    *(example, secrets, hardening, lifecycle),
)
