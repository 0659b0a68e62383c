"""`musicspace up`: the whole system on this machine, until Ctrl-C."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from cli.processes import ProcessSpec, UpOptions
    from core.settings import Settings

EXIT_FAILED = 1


def up(
    concurrency: Annotated[int | None, typer.Option(min=1, help="Processes of the CPU worker.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API.")] = None,
    no_flower: Annotated[bool, typer.Option("--no-flower", help="Leave out the Flower dashboard.")] = False,
    fake_providers: Annotated[
        bool,
        typer.Option(
            "--fake-providers", help="Ask made-up providers on this machine, which answer and fail as real ones do."
        ),
    ] = False,
) -> None:
    """Run everything on this machine: Postgres, Valkey, workers, beat, the API and Flower. Ctrl-C stops all of it.

    Postgres and Valkey are the embedded ones unless MUSICSPACE_DATABASE_URL and MUSICSPACE_REDIS_URL name others.
    """
    from cli.processes import UpOptions, processes
    from core.settings import get_settings
    from db.migrate import upgrade
    from integrations.embedded import embedded_servers
    from integrations.exposure import check_key_setting

    settings = get_settings()
    options = UpOptions(
        concurrency=concurrency or settings.worker.concurrency,
        api_host=settings.api.host,
        api_port=port or settings.api.port,
        flower_port=None if no_flower or not settings.flower.enabled else settings.flower.port,
        fakes_port=free_port() if fake_providers else None,
    )
    # The API would refuse to start, again and again; say so once, before anything runs.
    check_key_setting(settings)
    with stop_signals_interrupt(), _alone(settings, options):
        check_ports(options)
        with embedded_servers(settings) as urls:
            upgrade(urls.database_url)
            _announce(settings, options)
            run(processes(settings, options, urls.database_url, urls.redis_url), _grace_s(settings))


def run(specs: "list[ProcessSpec]", grace_s: float) -> None:
    """Keep the processes running until SIGINT or SIGTERM.

    Raises
    ------
    typer.Exit
        With code 1: they ended although nobody asked.
    """
    from cli.foreman import Foreman

    if not Foreman(specs, grace_s).run():
        raise typer.Exit(EXIT_FAILED)


def check_ports(options: "UpOptions") -> None:
    """Find out before anything starts whether a port is taken.

    Raises
    ------
    ConfigurationError
        `address-in-use`, with the port and how to choose another one.
    """
    _check_port(options.api_host, options.api_port, "the API", "Choose another one with --port.")
    if options.flower_port is not None:
        _check_port(
            "127.0.0.1",
            options.flower_port,
            "Flower",
            "Choose another one with MUSICSPACE_FLOWER__PORT, or leave Flower out with --no-flower.",
        )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_port(host: str, port: int, program: str, remedy: str) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = f"Port {port} on {host}, for {program}, cannot be used: {error.strerror}."
        raise ConfigurationError("address-in-use", f"{reason} {remedy}") from error


def _grace_s(settings: "Settings") -> float:
    """Running tasks get their soft shutdown before a process is killed."""
    return settings.worker.soft_shutdown_seconds + 5


def _announce(settings: "Settings", options: "UpOptions") -> None:
    lines = [f"API     {options.api_url}/docs", f"Data    {settings.data_dir}"]
    if options.flower_url is not None:
        lines.insert(1, f"Flower  {options.flower_url}")
    if options.fakes_url is not None:
        lines.append(f"Fakes   {options.fakes_url}/_calls: values of looked-up tracks are made up")
    lines.append("Ctrl-C stops everything; `musicspace status` in another terminal shows how it is.")
    out.print("\n".join(lines), highlight=False, soft_wrap=True)


@contextmanager
def _alone(settings: "Settings", options: "UpOptions") -> Iterator[None]:
    """Refuse to run twice on one data directory, and tell `musicspace status` what runs."""
    from integrations.embedded.running import RunningSystem, announced

    system = RunningSystem(
        pid=os.getpid(), api_url=options.api_url, flower_url=options.flower_url, fakes_url=options.fakes_url
    )
    with announced(settings.data_dir, system):
        yield


@contextmanager
def stop_signals_interrupt() -> Iterator[None]:
    """Until the process manager takes over: stop cleanly on SIGTERM, too. A closed terminal counts as SIGTERM.

    A deliberate stop is a success.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
