"""The processes that `musicspace up` runs: one table."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from cli.fake_providers import environment_of
from core.settings import Settings
from tasks.safety import WORKER_ENVIRONMENT

PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A command that is kept running."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    delay_s: float = 0.0  #: Pause before the first start.

    def shell_command(self, grace_s: float) -> str:
        """The line for the process manager; `exec` so that its signals reach the wrapper and not a shell."""
        wrapper = (PYTHON, "-m", "cli.respawn", f"--delay={self.delay_s}", f"--grace={grace_s}", "--")
        return "exec " + shlex.join((*wrapper, *self.argv))


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line of `up` decides."""

    concurrency: int
    api_host: str
    api_port: int
    flower_port: int | None  #: None leaves Flower out.
    fakes_port: int | None = None  #: None leaves the fake providers out.

    @property
    def api_url(self) -> str:
        host = f"[{self.api_host}]" if ":" in self.api_host else self.api_host
        return f"http://{host}:{self.api_port}"

    @property
    def fakes_url(self) -> str | None:
        return None if self.fakes_port is None else f"http://127.0.0.1:{self.fakes_port}"

    @property
    def flower_url(self) -> str | None:
        return None if self.flower_port is None else f"http://127.0.0.1:{self.flower_port}"


def processes(settings: Settings, options: UpOptions, database_url: str, redis_url: str) -> list[ProcessSpec]:
    """Every process of the system, in the order of their lines on screen.

    Parameters
    ----------
    database_url, redis_url
        Where the servers answer by now, embedded or not.
    """
    env = (
        os.environ
        | WORKER_ENVIRONMENT
        | {
            "PYTHONUNBUFFERED": "1",
            # Whoever runs `up` as root, usually in a container, knows; four screens of it would hide the rest.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "MUSICSPACE_DATABASE_URL": database_url,
            "MUSICSPACE_REDIS_URL": redis_url,
            "MUSICSPACE_API__HOST": options.api_host,
            "MUSICSPACE_API__PORT": str(options.api_port),
        }
    )
    if options.fakes_url is not None:
        env |= environment_of(options.fakes_url)
    commands = {
        "worker-cpu": _worker("workers.cpu", "enrich", options.concurrency),
        "worker-api": _worker("workers.api", "lookup", settings.look_up.concurrency, "--pool=threads"),
        "worker-gpu": _worker("workers.gpu", "embed", 1, "--pool=solo"),
        "worker-train": _worker("workers.cpu", "train", 1),
        "worker-personal": _worker("workers.cpu", "personal", settings.personal.concurrency),
        "worker-maintenance": _worker("workers.cpu", "maintenance", 1),
        "beat": _celery("workers.beat", "beat"),
        "api": (PYTHON, "-m", "api.server"),
    }
    specs = [ProcessSpec(name, argv, env) for name, argv in commands.items()]
    if options.fakes_port is not None:
        fakes = (
            PYTHON,
            "-m",
            "integrations.fake_providers",
            f"--port={options.fakes_port}",
            "--faults=random:0.1",
            "--unknown=0.2",
        )
        specs.append(ProcessSpec("fake-providers", fakes, env))
    if options.flower_port is not None:
        flower = _celery("workers.cpu", "flower", "--address=127.0.0.1", f"--port={options.flower_port}")
        # Flower asks for the workers once, at its start.
        specs.append(ProcessSpec("flower", flower, env, delay_s=4.0))
    return [*server_watchers(settings), *specs]


def server_watchers(settings: Settings) -> list[ProcessSpec]:
    """One process per embedded server, which restarts it when it dies and prints its log."""
    # Not the URLs of the running servers: a watcher has to see that they are embedded.
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    urls = {"postgres": settings.database_url, "valkey": settings.redis_url}
    return [
        ProcessSpec(name, (PYTHON, "-m", "cli.watch_server", name), env) for name, url in urls.items() if url is None
    ]


def _worker(module: str, queue: str, concurrency: int, *more: str) -> tuple[str, ...]:
    named = (f"--queues={queue}", f"--concurrency={concurrency}", f"--hostname={queue}@%h")
    return _celery(module, "worker", *named, *more)


def _celery(module: str, *arguments: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "celery", "--app", module, "--quiet", *arguments)
