"""What every error code means; `docs/ERRORS.md` is made from this table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What an error code means, what to do about it, and the HTTP status the API answers with."""

    meaning: str
    remedy: str
    status: int


ERROR_CODES: dict[str, CodeInfo] = {
    # Input
    "file-not-found": CodeInfo(
        "The file does not exist or cannot be read.", "Check the path and its permissions.", 400
    ),
    "file-empty": CodeInfo("The file has no content.", "Export the playlist again.", 400),
    "file-too-large": CodeInfo(
        "The input exceeds a configured limit.", "Split it, or raise the limit setting the message names.", 413
    ),
    "file-not-a-playlist": CodeInfo(
        "The file is not a playlist MusicSpace can read (binary, wrong columns, broken JSON).",
        "Use a CSV with artist and title columns, an Exportify export, JSON, or M3U.",
        400,
    ),
    "audio-unreadable": CodeInfo(
        "The file is no audio that can be decoded, or too short.", "Use WAV, FLAC, AIFF, Ogg or MP3.", 422
    ),
    "no-usable-rows": CodeInfo(
        "Every row of the file was rejected.", "Read the rejects file; it gives a reason for each line.", 422
    ),
    "invalid-request": CodeInfo(
        "The request does not match the API's schema.", "Compare it with the OpenAPI page at /docs.", 422
    ),
    "invalid-option": CodeInfo(
        "A command-line option has a value that cannot be used.", "See the command's --help.", 400
    ),
    "not-found": CodeInfo(
        "There is no such job, work item, track or model version.", "List the existing ones first.", 404
    ),
    "wrong-state": CodeInfo(
        "The action does not apply to the current state of the job, work item or model.",
        "Look at its state first.",
        409,
    ),
    "tuning-refused": CodeInfo(
        "Fine-tuning made the predictor worse on what it knew before.",
        "Train fewer epochs or at a lower rate, or allow more with --tolerance.",
        409,
    ),
    "unauthorized": CodeInfo("The API key is missing or wrong.", "Send it in the X-API-Key header.", 401),
    # Work
    "track-missing": CodeInfo("The tracks of the work item no longer exist.", "Nothing to do.", 404),
    "database-unavailable": CodeInfo(
        "Postgres does not answer.", "Check `musicspace status`; work resumes by itself when it is back.", 503
    ),
    "broker-unavailable": CodeInfo(
        "Redis or Valkey does not answer.", "Check `musicspace status`; queued work is kept in Postgres.", 503
    ),
    "retries-exhausted": CodeInfo(
        "A retryable error came back on every allowed attempt.", "Fix the cause, then `musicspace job retry`.", 500
    ),
    "worker-lost": CodeInfo(
        "The worker died, or lost its lease, while it held the work item.",
        "Inspect the attempts; `musicspace job replay` runs it again.",
        500,
    ),
    "unexpected": CodeInfo(
        "An error nobody classified; its type and message are recorded with the attempt.",
        "Report it with the attempt's message.",
        500,
    ),
    # Providers
    "provider-unavailable": CodeInfo(
        "A provider did not answer: a time-out, a broken connection, or an error of its own.",
        "Wait; calls go on by themselves when it is back. `musicspace providers` shows its state.",
        503,
    ),
    "provider-rate-limited": CodeInfo(
        "A provider said that it is asked too often.",
        "Wait, or lower the limit that `musicspace providers` shows.",
        503,
    ),
    "provider-answer-broken": CodeInfo(
        "The answer of a provider broke off or is not in its own format.", "Wait; it is asked again.", 502
    ),
    "provider-refused": CodeInfo(
        "A provider refused the request itself.",
        "Read the message; the base URL or the model's name may be wrong.",
        502,
    ),
    "provider-not-now": CodeInfo(
        "A provider is not asked at this moment: a limit, the day's budget, its circuit breaker, or nobody to count.",
        "Wait, or change the limit that the message names.",
        503,
    ),
    # Configuration
    "provider-key-refused": CodeInfo(
        "A provider does not accept the key, or lets nobody in.",
        "Set the key to a valid one (Gemini: MUSICSPACE_GEMINI__API_KEY), or switch the provider off.",
        500,
    ),
    "provider-disabled": CodeInfo(
        "The provider is switched off, or has no key.", "Set what the message names, or use `--fake-providers`.", 409
    ),
    "invalid-settings": CodeInfo(
        "A setting is missing or has a value that cannot be used.", "Fix the setting the message names.", 500
    ),
    "unsafe-celery-settings": CodeInfo(
        "A Celery setting the ledger relies on has another value.", "Remove the override the message names.", 500
    ),
    "schema-outdated": CodeInfo("The database schema is older than the code.", "Run `musicspace db upgrade`.", 500),
    "server-unsupported": CodeInfo(
        "The database or broker server is too old.", "Use Postgres 15+ and Redis 7+ or Valkey.", 500
    ),
    "embedded-failed": CodeInfo(
        "The embedded Postgres or Valkey did not start.", "Read the log file the message names.", 500
    ),
    "address-in-use": CodeInfo(
        "The address to listen on is taken.", "Choose another port, or stop the other process.", 500
    ),
    "artifact-missing": CodeInfo(
        "A trained model is not where it should be.", "Train it with `musicspace train global`, or reinstall.", 500
    ),
    "artifact-corrupt": CodeInfo(
        "A model file does not match its checksum or format version.", "Train it again, or reinstall.", 500
    ),
    "extra-missing": CodeInfo(
        "A library that only training needs is not installed.", "Run `pip install 'musicspace[train]'`.", 500
    ),
}
