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
        "The file is no audio that can be decoded.", "Use WAV, FLAC, AIFF, Ogg, MP3, AAC or M4A.", 422
    ),
    "audio-empty": CodeInfo("The file has no content, or no sample of audio.", "Export or download it again.", 422),
    "audio-corrupt": CodeInfo(
        "The file begins like audio, but what follows cannot be decoded.", "Export or download it again.", 422
    ),
    "audio-too-short": CodeInfo("The recording is too short to hear anything in.", "Use a longer one.", 422),
    "audio-too-long": CodeInfo(
        "The recording, or its file, exceeds a configured limit.",
        "Split it, or raise the setting the message names.",
        422,
    ),
    "audio-silent": CodeInfo("There is nothing to be heard in the recording.", "Export it again.", 422),
    "audio-decoder-crashed": CodeInfo(
        "The process that decoded the file died over it.", "Export the file again, in another format if need be.", 422
    ),
    "audio-outside-roots": CodeInfo(
        "The path leads outside of the folders that audio may be read from.",
        "Move the file, or add its folder to MUSICSPACE_AUDIO__ROOTS.",
        422,
    ),
    "audio-url-refused": CodeInfo(
        "The URL of a track's audio is not fetched: URLs are off, it is no public address, or it is too large.",
        "Read the message; MUSICSPACE_AUDIO__URLS_ENABLED switches URLs on.",
        422,
    ),
    "audio-download-failed": CodeInfo(
        "Audio could not be fetched from its URL: a time-out, a broken connection, or an error of the server.",
        "Wait; it is tried again.",
        503,
    ),
    "embedding-space-mismatch": CodeInfo(
        "Vectors of two embedding spaces cannot be compared.", "Analyze the audio again with one embedder.", 409
    ),
    "embedding-without-text": CodeInfo(
        "The embedder in use has no vectors for text.", "Use CLAP (MUSICSPACE_EMBED__EMBEDDER).", 409
    ),
    "dj-index-missing": CodeInfo("The folder holds no DJ index.", "Build it with `musicspace dj build`.", 404),
    "dj-index-corrupt": CodeInfo(
        "The files of a DJ index do not fit together.", "Build it again with `musicspace dj build`.", 500
    ),
    "dj-index-unwritable": CodeInfo(
        "A DJ index cannot be written: permissions, or a full disk.", "Read the message; choose another folder.", 500
    ),
    "dj-index-busy": CodeInfo("Another process builds the same DJ index.", "Wait until it is done.", 409),
    "too-little-feedback": CodeInfo(
        "There is too little feedback to learn weights from.",
        "Collect more, or lower MUSICSPACE_DJ__FEEDBACK_MIN_PAIRS.",
        409,
    ),
    "audio-disabled": CodeInfo(
        "No folder is set that audio may be read from.",
        'Set MUSICSPACE_AUDIO__ROOTS, for instance to ["/music"].',
        409,
    ),
    "audio-not-analyzed": CodeInfo(
        "The audio of the track has not been analyzed.", "Analyze it with `musicspace audio analyze`.", 409
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
    "worker-stopping": CodeInfo(
        "The worker was stopped before it was done with the work item.",
        "Nothing to do: the next worker takes it up.",
        503,
    ),
    "unexpected": CodeInfo(
        "An error nobody classified; its type and message are recorded with the attempt.",
        "Report it with the attempt's message.",
        500,
    ),
    # Models of users
    "model-missing": CodeInfo(
        "The user has no model of this kind, or none to go back to.",
        "Train it: `musicspace users init-models`, or POST /api/init-models.",
        404,
    ),
    "too-little-history": CodeInfo(
        "There is too little to learn from: tracks of a user, or users.",
        "Import more playlists, or send interactions.",
        409,
    ),
    "tracks-not-ready": CodeInfo(
        "Another job enriches tracks of the user; their models are trained after that.",
        "Wait; MUSICSPACE_PERSONAL__ENRICHMENT_PATIENCE_SECONDS bounds it.",
        503,
    ),
    "model-storage-unavailable": CodeInfo(
        "The storage of users' models does not answer, or refuses.",
        "Check MUSICSPACE_PERSONAL__STORAGE_URL and its options; it is tried again.",
        503,
    ),
    "user-model-corrupt": CodeInfo(
        "The files of a user's model are gone, or are not those that were recorded.",
        "Train it again, or roll back to the version before.",
        500,
    ),
    "recommendations-busy": CodeInfo(
        "The process has not finished reading the library.", "Ask again in some seconds.", 503
    ),
    "user-busy": CodeInfo(
        "Somebody is writing about the user, for instance an import or a training.",
        "Nothing to do: their removal is tried again in a few seconds.",
        503,
    ),
    "user-data-left": CodeInfo(
        "After the removal of a user something of theirs was still there.",
        "It is tried again; the message names what is left. `musicspace job retry` starts it once more.",
        503,
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
    "embedder-unavailable": CodeInfo(
        "The embedder that is set cannot be loaded.",
        "Check MUSICSPACE_EMBED__EMBEDDER and MUSICSPACE_EMBED__CLAP_CHECKPOINT.",
        500,
    ),
    "device-out-of-memory": CodeInfo(
        "The device that embeds audio has no memory for a single window.",
        "End other programs on it, or set MUSICSPACE_EMBED__DEVICE=cpu.",
        503,
    ),
    "extra-missing": CodeInfo(
        "A library that only some commands need is not installed.", "Run the command the message names.", 500
    ),
}
