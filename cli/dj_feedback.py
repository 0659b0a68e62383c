"""`musicspace dj feedback`: what listeners made of suggestions, and weights learned from it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out as stdout
from cli.console import print_json

if TYPE_CHECKING:
    from core.audio_settings import DjWeights
    from services.dj.feedback import Trained

feedback_app = typer.Typer(help="What listeners made of suggestions.", no_args_is_help=True)

_VARIABLE = "MUSICSPACE_DJ__WEIGHTS__"


@feedback_app.callback()
def _group() -> None:
    """What listeners made of suggestions."""


@feedback_app.command()
def train(
    min_pairs: Annotated[
        int | None, typer.Option(min=10, help="Preferences needed. Default: MUSICSPACE_DJ__FEEDBACK_MIN_PAIRS.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="WEIGHTS.env", help="Also write the variables that switch the weights on.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Learn the weights of the terms from feedback, and tell what they gain on choices they were not learned from.

    Nothing is switched on: set the variables that it prints where `musicspace` runs, and unset them to go back.
    """
    from cli.servers import connected
    from core.settings import get_settings
    from db.engine import open_session
    from services.dj.feedback import train as train_weights

    dj = get_settings().dj
    if min_pairs is not None:
        dj = dj.model_copy(update={"feedback_min_pairs": min_pairs})
    with connected() as settings, open_session(settings.required_database_url) as session:
        trained = train_weights(session, dj)
    if out is not None:
        _write(out, trained.weights)
    if as_json:
        print_json({**asdict(trained), "weights": trained.weights.model_dump(), "is_gain": trained.report.is_gain})
    else:
        _show(trained)


def _show(trained: "Trained") -> None:
    report = trained.report
    stdout.print(
        f"{report.n_pairs:,} preferences from {report.n_contexts:,} choices; {trained.without_terms:,} events have no "
        "terms and say nothing."
    )
    stdout.print(
        f"In the right order on choices left out: {report.accuracy_before:.3f} before, {report.accuracy_after:.3f} "
        f"after, gain {report.gain:+.3f} (95 %: {report.gain_low:+.3f} to {report.gain_high:+.3f})."
    )
    stdout.print("That is more than chance." if report.is_gain else "That may be chance: keep the weights as they are.")
    for line in _variables(trained.weights):
        stdout.print(line)


def _write(path: Path, weights: "DjWeights") -> None:
    from core.durable_files import replacing
    from core.errors import PermanentError

    try:
        with replacing(path) as temporary:
            temporary.write_text("\n".join(_variables(weights)) + "\n", encoding="utf-8")
    except OSError as error:
        raise PermanentError("invalid-option", f"{path} cannot be written ({error.strerror}).") from None


def _variables(weights: "DjWeights") -> list[str]:
    return [f"{_VARIABLE}{name.upper()}={weight:g}" for name, weight in weights.model_dump().items()]
