"""`musicspace providers`: limits, spend, circuit breakers and cache hit rates of those who are asked about tracks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out, print_json

if TYPE_CHECKING:
    from integrations.provider_live import LiveState
    from services.providers import ProviderStatus

app = typer.Typer(help="Providers that are asked about tracks: limits, spend, state.", invoke_without_command=True)


@app.callback()
def providers(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show limits, spend, circuit breaker and cache hit rate of every provider."""
    if context.invoked_subcommand is not None:
        return
    from cli.servers import connected
    from core.providers import Provider
    from db.engine import open_session
    from integrations.provider_live import read_live
    from services.providers import provider_status

    with connected() as settings, open_session(settings.required_database_url) as session:
        live = read_live(settings.required_redis_url, list(Provider))
        found = provider_status(session, settings, live)
    if as_json:
        print_json([asdict(status) for status in found])
    else:
        _show(found)


def _show(found: "list[ProviderStatus]") -> None:
    from rich.table import Table

    for status in found:
        table = Table(title=status.provider, show_header=False, title_justify="left")
        for name, value in _rows(status):
            table.add_row(name, value)
        out.print(table)


def _rows(status: "ProviderStatus") -> list[tuple[str, str]]:
    limits, today, month, left = status.limits, status.today, status.last_30_days, status.left
    rows = [("asked", "yes" if status.enabled else f"no: {status.why_disabled}"), ("state", _state(status.live))]
    calls = None if status.live is None else status.live.calls_last_minute
    rows.append(("calls in the last minute", _used(calls, limits.calls_per_minute)))
    if limits.tokens_per_minute is not None:
        tokens = None if status.live is None else status.live.tokens_last_minute
        rows.append(("tokens in the last minute", _used(tokens, limits.tokens_per_minute)))
    rows.append(("calls today", f"{_used(today.calls, limits.calls_per_day)}, {today.failed_calls:,} failed"))
    if status.paid:
        rows.append(("spent today", f"${today.cost_usd:.4f} of ${limits.budget_usd_per_day or 0:.2f}"))
    rows += [
        ("day ends", f"{left.resets_at:%Y-%m-%d %H:%M %Z}"),
        ("tracks today", _tracks(today.tracks_asked, today.tracks_answered, today.tracks_from_cache)),
        ("cache hit rate", f"{_rate(today.cache_hit_rate)} today, {_rate(month.cache_hit_rate)} in 30 days"),
        ("cache", f"{status.cache.answers:,} answers, {status.cache.unknown:,} unknown to it"),
    ]
    if status.paid:
        rows.append(("spent in 30 days", f"${month.cost_usd:.4f}"))
    return rows


def _state(live: "LiveState | None") -> str:
    if live is None:
        return "not known: Redis does not answer"
    words = f"circuit breaker {live.breaker}"
    if live.next_probe_s is not None:
        words += f", next try in {live.next_probe_s:.0f} s"
    if live.hold_off_s is not None:
        words += f", asked to wait {live.hold_off_s:.0f} s"
    return words


def _used(used: int | None, limit: int | None) -> str:
    shown = "?" if used is None else f"{used:,}"
    return shown if limit is None else f"{shown} of {limit:,}"


def _tracks(asked: int, answered: int, from_cache: int) -> str:
    return f"{asked:,} asked, {answered:,} answered, {from_cache:,} from the cache"


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.0%}"
