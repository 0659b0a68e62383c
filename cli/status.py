"""`musicspace status`: what runs, where, and whether it is healthy."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out, print_json

if TYPE_CHECKING:
    from core.settings import Settings
    from integrations.embedded import ServerStatus
    from integrations.probes import Probe

EXIT_FAILED = 1
HEALTHY, UNHEALTHY, STOPPED = "healthy", "unhealthy", "stopped"
COLORS = {HEALTHY: "green", UNHEALTHY: "red", STOPPED: "yellow"}


@dataclass(frozen=True, slots=True)
class Component:
    """One row of the table."""

    component: str
    state: str
    where: str  #: Socket, address or queues; never a password.
    pid: int | None
    detail: str


def status(as_json: Annotated[bool, typer.Option("--json", help="Print the components as JSON.")] = False) -> None:
    """Show what runs, where it listens, and whether it is healthy. Starts nothing.

    Exit code 0 when everything that should run is healthy, else 1.
    """
    from core.settings import get_settings

    components = inspect(get_settings())
    healthy = all(component.state == HEALTHY for component in components)
    if as_json:
        print_json({"healthy": healthy, "components": [asdict(component) for component in components]})
    else:
        _show(components)
    if not healthy:
        raise typer.Exit(EXIT_FAILED)


def inspect(settings: "Settings") -> list[Component]:
    """Ask every component at the same time; each has a bounded time to answer."""
    from integrations.embedded import EmbeddedServers
    from integrations.probes import probe_postgres, probe_redis

    servers = EmbeddedServers(settings)
    embedded = {server.name: server for server in servers.status()}
    urls = servers.urls
    questions: list[Callable[[], list[Component]]] = [
        lambda: [_server("postgres", urls.database_url, embedded.get("postgres"), probe_postgres)],
        lambda: [_server("valkey", urls.redis_url, embedded.get("valkey"), probe_redis)],
        lambda: _workers(settings, urls.database_url, embedded.get("postgres")),
        lambda: _web(settings),
    ]
    with ThreadPoolExecutor(len(questions)) as pool:
        return [component for answer in pool.map(lambda ask: ask(), questions) for component in answer]


def _server(name: str, url: str, embedded: "ServerStatus | None", probe: "Callable[[str], Probe]") -> Component:
    from integrations.probes import without_password

    if embedded is None:
        result = probe(url)
        return Component(name, result.health, without_password(url), None, result.detail)
    if embedded.pid is None:
        return Component(name, STOPPED, str(embedded.socket), None, "`musicspace up` starts it")
    result = probe(url)
    return Component(name, result.health, str(embedded.socket), embedded.pid, result.detail)


def _workers(settings: "Settings", database_url: str, embedded: "ServerStatus | None") -> list[Component]:
    """One row per worker with a fresh heartbeat, one for every queue that nobody consumes, and the dispatcher."""
    from core.errors import MusicSpaceError
    from db.engine import open_session
    from db.migrate import require_current
    from db.repositories.heartbeats import DISPATCHER, read_heartbeats
    from tasks.queues import Queue

    if embedded is not None and embedded.pid is None:
        return [Component("workers", STOPPED, "", None, "they need Postgres")]
    try:
        with open_session(database_url) as session:
            require_current(session.connection())
            beats = read_heartbeats(session)
    except MusicSpaceError as error:
        return [Component("workers", UNHEALTHY, "", None, error.message)]
    fresh = [beat for beat in beats if beat.age_s <= settings.worker.dead_after_seconds]
    rows = [
        Component(
            beat.worker if beat.worker == DISPATCHER else f"worker {beat.worker}",
            HEALTHY,
            ", ".join(beat.queues),
            beat.pid,
            f"seen {beat.age_s:.0f} s ago",
        )
        for beat in fresh
    ]
    if all(beat.worker != DISPATCHER for beat in fresh):
        rows.append(Component(DISPATCHER, STOPPED, "", None, "beat does not run, or nobody consumes its queue"))
    consumed = {queue for beat in fresh for queue in beat.queues}
    idle = [queue for queue in Queue if queue not in consumed]
    return rows + [Component("worker", STOPPED, queue, None, "nobody consumes this queue") for queue in idle]


def _web(settings: "Settings") -> list[Component]:
    """The API and Flower: where the running `musicspace up` put them, else where the settings say."""
    from integrations.embedded.running import running_system
    from integrations.probes import probe_http

    system = running_system(settings.data_dir)
    api_url = system.api_url if system else f"http://{settings.api.host}:{settings.api.port}"
    configured = f"http://127.0.0.1:{settings.flower.port}" if settings.flower.enabled else None
    flower_url = system.flower_url if system else configured
    api = probe_http(f"{api_url}/healthz")
    components = [Component("api", api.health, api_url, None, api.detail)]
    if flower_url is not None:
        flower = probe_http(flower_url)
        components.append(Component("flower", flower.health, flower_url, None, flower.detail))
    return components


def _show(components: Sequence[Component]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("Component", "State", "Where", "Process", "Detail"):
        table.add_column(name, overflow="fold")
    for row in components:
        state = Text(row.state, style=COLORS[row.state])
        pid = "" if row.pid is None else str(row.pid)
        table.add_row(Text(row.component), state, Text(row.where), pid, Text(row.detail))
    out.print(table)
