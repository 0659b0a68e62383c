"""Entry point of the `musicspace` command: registers the verbs, turns errors into messages and exit codes.

Exit codes: 0 success, 1 the work itself failed (a job ended with failed items, a check is unhealthy), 2 wrong usage or
input, 3 wrong configuration, 4 a server is unavailable (try again), 130 interrupted.
"""

import sys

import typer

from cli.audio import audio_app
from cli.audio_search import search
from cli.database import db_app
from cli.demo import demo
from cli.dj import app as dj_app
from cli.enrich import enrich_all, enrich_status
from cli.evaluate import app as evaluate_app
from cli.importing import import_command
from cli.interactions import app as interactions_app
from cli.jobs import job_app
from cli.look_up import look_up
from cli.model_usage import usage as model_usage
from cli.models import app as models_app
from cli.models_cleanup import cleanup, rollback_user
from cli.predict import predict
from cli.provider_plan import plan
from cli.providers import app as providers_app
from cli.reccobeats import analyze, tracks
from cli.recommend import recommend
from cli.reference import app as reference_app
from cli.similar import similar
from cli.status import status
from cli.train import app as train_app
from cli.tune import app as tune_app
from cli.up import up
from cli.users import app as users_app
from cli.users_delete import delete as delete_user
from core.errors import ConfigurationError, MusicSpaceError, RetryableError

EXIT_FAILED, EXIT_INPUT, EXIT_CONFIGURATION, EXIT_UNAVAILABLE, EXIT_INTERRUPTED = 1, 2, 3, 4, 130

app = typer.Typer(
    name="musicspace",
    help="Fill the audio features of playlists, with source and confidence, through a distributed worker system.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("import")(import_command)
app.command()(demo)
app.command()(predict)
app.command("enrich-all")(enrich_all)
app.command("enrich-status")(enrich_status)
app.command("look-up")(look_up)
app.command()(recommend)
app.command()(similar)
app.add_typer(audio_app, name="audio")
app.add_typer(interactions_app, name="interactions")
app.add_typer(job_app, name="job")
app.add_typer(providers_app, name="providers")
app.add_typer(reference_app, name="reference")
app.command()(up)
app.command()(status)
app.add_typer(db_app, name="db")
app.add_typer(train_app, name="train")
app.add_typer(tune_app, name="tune")
app.add_typer(models_app, name="models")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(dj_app, name="dj")
app.add_typer(users_app, name="users")


audio_app.command("search")(search)
models_app.command("usage")(model_usage)
models_app.command("cleanup")(cleanup)
models_app.command("rollback-user")(rollback_user)
users_app.command("delete")(delete_user)
providers_app.command("plan")(plan)
providers_app.command("analyze")(analyze)
providers_app.command("tracks")(tracks)


def main() -> None:
    """Run the command line; a person's mistake is told in one line, never as a traceback."""
    try:
        app()
    except MusicSpaceError as error:
        sys.stderr.write(f"Error [{error.code}]: {error.message}\n")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(EXIT_INTERRUPTED)


def exit_code(error: MusicSpaceError) -> int:
    """The exit code that belongs to the class of an error."""
    if isinstance(error, ConfigurationError):
        return EXIT_CONFIGURATION
    return EXIT_UNAVAILABLE if isinstance(error, RetryableError) else EXIT_INPUT


if __name__ == "__main__":
    main()
