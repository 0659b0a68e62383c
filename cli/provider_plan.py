"""`musicspace providers plan`: what a budget buys, before anything is spent."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import err, out, print_json

if TYPE_CHECKING:
    from services.look_ups.planning import PaidPlan


def plan(
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars to spend. Default: what is left of the day's budget.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how many tracks a budget buys, and how much error that is expected to save. Nothing is asked or spent.

    `musicspace look-up --budget ...` carries it out.
    """
    from cli.servers import connected
    from db.engine import open_session
    from services.look_ups.planning import plan_paid

    with connected() as settings, open_session(settings.required_database_url) as session:
        with err.status("Working out what each track would gain"):
            found = plan_paid(session, settings, budget_usd=budget)
        wanted = budget if budget is not None else settings.gemini.budget_usd_per_day
    result = _result(found, wanted)
    if as_json:
        print_json(result)
    else:
        _show(result)


def _result(found: "PaidPlan", wanted_usd: float) -> dict[str, Any]:
    share = found.expected_gain / found.possible_gain if found.possible_gain else 0.0
    return {
        "provider": found.provider,
        "budget_usd": found.budget_usd,
        "wanted_usd": wanted_usd,
        "usd_per_call": found.usd_per_call,
        "candidates": found.candidates,
        "worthwhile": found.worthwhile,
        "tracks": len(found.chosen),
        "calls": found.calls,
        "cost_usd": found.cost_usd,
        "expected_gain_mne": found.expected_gain / len(found.chosen) if found.chosen else 0.0,
        "share_of_possible_gain": share,
    }


def _show(result: dict[str, Any]) -> None:
    out.print(
        f"{result['candidates']:,} tracks have inferred features and were not asked about; "
        f"{result['worthwhile']:,} of them are expected to gain enough to be worth a call."
    )
    if result["budget_usd"] < result["wanted_usd"]:
        out.print(f"Only ${result['budget_usd']:.2f} is left of today's budget.")
    out.print(
        f"${result['budget_usd']:.2f} buys {result['tracks']:,} tracks in {result['calls']:,} calls of "
        f"{result['provider']}, at most ${result['cost_usd']:.2f} (${result['usd_per_call']:.4f} a call)."
    )
    if result["tracks"]:
        out.print(
            f"Their error (MNE) is expected to fall by {result['expected_gain_mne']:.4f} on average, "
            f"{result['share_of_possible_gain']:.0%} of what asking about all of them would save. "
            "The expectation was learned from simulated answers (docs/ROUTING.md)."
        )
