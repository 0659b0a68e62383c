"""The client of Gemini: asks about several tracks at once, with Google Search, and believes what holds up."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from core.errors import ConfigurationError, NotNowError, PermanentError, RetryableError
from core.provider_settings import GeminiSettings
from core.providers import Answer, Gate, Provider, Question, Usage
from core.telemetry import get_logger
from integrations.gemini.answers import TrackEntry, Verdict, judge, parse_entries
from integrations.gemini.evidence import call_evidence, says_nothing, text_of
from integrations.gemini.prices import call_estimate, max_output_tokens, real_usage, repair_estimate
from integrations.gemini.prompt import (
    PROMPT_VERSION,
    REPAIR_INSTRUCTION,
    RESPONSE_SCHEMA,
    SYSTEM_INSTRUCTION,
    is_suspect,
    question_prompt,
    repair_prompt,
    shown_artist,
    shown_title,
)
from integrations.provider_errors import BrokenAnswerError, checked_base_url
from integrations.provider_http import BoundedClient, ProviderHttp

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

log = get_logger(__name__)

BASE_URL = "https://generativelanguage.googleapis.com"
# The version that is documented to have both search and schemas; the environment must not choose another.
API_VERSION = "v1beta"
# What the library raises where an answer has another shape than it expects.
_SHAPE_ERRORS = (ValidationError, ValueError, TypeError, AttributeError, KeyError, IndexError)


class GeminiClient:
    """Asks Gemini. A `ProviderClient`, safe to use from several threads."""

    def __init__(self, settings: GeminiSettings, api_key: SecretStr) -> None:
        self._settings = settings
        self._key = _checked(api_key)
        self._base_url = checked_base_url(Provider.GEMINI, settings.base_url or BASE_URL)
        self._http = ProviderHttp(Provider.GEMINI, settings.timeout_seconds, self._key.get_secret_value())
        self._lock = Lock()
        self._sdk: genai.Client | None = None

    @property
    def provider(self) -> Provider:
        return Provider.GEMINI

    @property
    def variant(self) -> str:
        return f"{self._settings.model}+prompt-{PROMPT_VERSION}"

    @property
    def batch_size(self) -> int:
        return self._settings.tracks_per_prompt

    def can_ask(self, question: Question) -> bool:
        """Whether the track has a title and an artist that can be searched for."""
        return bool(shown_artist(question) and shown_title(question))

    def estimate(self, n_questions: int) -> Usage:
        """The most that one grounded call takes: a token per byte of the prompt, output up to its limit."""
        return call_estimate(self._settings, n_questions)

    def ask(self, questions: Sequence[Question], gate: Gate) -> dict[str, Answer | None]:
        """The answers by `ref`, of one grounded call, and one more where its text has to be repaired.

        Tracks whose names read like instructions are asked about one by one. Trouble with the first call is raised;
        once answers are paid for they are returned, and later trouble leaves only its own tracks out.
        """
        if len(questions) > self.batch_size:
            raise ValueError(f"at most {self.batch_size} questions can be asked at once")
        groups = [[question for question in questions if not is_suspect(question)]]
        groups += [[question] for question in questions if is_suspect(question)]
        answers: dict[str, Answer | None] = {}
        for group in filter(None, groups):
            try:
                answers |= self._ask_together(group, gate)
            except (RetryableError, PermanentError) as error:
                if not answers:
                    raise
                log.warning("provider_answer_missing", provider="gemini", reason=error.code, count=len(group))
        return answers

    def close(self) -> None:
        """Close connections."""
        self._http.close()
        with self._lock:
            sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    def __repr__(self) -> str:
        return f"GeminiClient({self.variant})"

    # --- One prompt ---------------------------------------------------------------------------------------------------

    def _ask_together(self, questions: Sequence[Question], gate: Gate) -> dict[str, Answer | None]:
        config = {
            "system_instruction": SYSTEM_INSTRUCTION,
            "tools": [{"google_search": {}}],
            "max_output_tokens": max_output_tokens(len(questions)),
        }
        estimate = call_estimate(self._settings, len(questions))
        response = self._generate(question_prompt(questions), config, estimate, gate)
        text = text_of(response)
        entries, is_repaired = parse_entries(text, questions), False
        if not entries and text.strip():
            entries, is_repaired = self._repair(text, questions, gate), True
        verdicts = judge(entries, questions)
        evidence = call_evidence(response) | {
            "model": self._settings.model,
            "prompt_version": PROMPT_VERSION,
            "tracks_in_prompt": len(questions),
            "repaired": is_repaired,
        }
        return {
            question.ref: _answer(question, verdict, evidence)
            for question, verdict in zip(questions, verdicts, strict=True)
        }

    def _repair(self, text: str, questions: Sequence[Question], gate: Gate) -> list[TrackEntry]:
        """The entries of a text that could not be read, brought into form by the model; none where that fails.

        The text was paid for already: trouble with its repair must not have it paid for again.
        """
        prompt = repair_prompt(text)
        config = {
            "system_instruction": REPAIR_INSTRUCTION,
            "response_mime_type": "application/json",
            "response_schema": RESPONSE_SCHEMA,
            "temperature": 0.0,
            "max_output_tokens": max_output_tokens(len(questions)),
        }
        estimate = repair_estimate(self._settings, prompt, len(questions))
        try:
            response = self._generate(prompt, config, estimate, gate)
        except (NotNowError, RetryableError, PermanentError) as error:
            log.warning("provider_answer_not_repaired", provider="gemini", reason=error.code)
            return []
        return parse_entries(text_of(response), questions)

    def _generate(
        self, prompt: str, config: dict[str, Any], estimate: Usage, gate: Gate
    ) -> "types.GenerateContentResponse":
        """One call through the gate. Import and construction of the library stay outside of its deadline."""
        sdk = self._library()
        from google.genai import types

        request = types.GenerateContentConfig(
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True), **config
        )

        async def call(_: BoundedClient) -> types.GenerateContentResponse:
            # The bounded client raises for a status of its own accord, before the library could.
            try:
                response = await sdk.aio.models.generate_content(
                    model=self._settings.model, contents=prompt, config=request
                )
            except _SHAPE_ERRORS as error:
                raise BrokenAnswerError(f"it has another form than expected ({type(error).__name__})") from None
            if says_nothing(response):
                raise BrokenAnswerError("it has neither an answer nor a reason for having none")
            return response

        def send() -> tuple[types.GenerateContentResponse, Usage]:
            response = self._http.run(call)
            return response, real_usage(self._settings, response, estimate)

        return gate.through(estimate, send)

    def _library(self) -> "genai.Client":
        with self._lock:
            if self._sdk is None:
                from google import genai
                from google.genai import types

                options = types.HttpOptions(
                    base_url=self._base_url,
                    api_version=API_VERSION,
                    timeout=int(self._settings.timeout_seconds * 1000),
                    # With a client of its own the library would retry some failures by itself, past the gate.
                    httpx_async_client=self._http.client,
                )
                key = self._key.get_secret_value()
                self._sdk = genai.Client(api_key=key, vertexai=False, http_options=options)
            return self._sdk


def _answer(question: Question, verdict: Verdict, evidence: dict[str, Any]) -> Answer | None:
    if verdict.reason is not None:
        # Names of tracks stay out of logs.
        log.info("provider_answer_unusable", provider="gemini", ref=question.ref, reason=verdict.reason)
        return None
    if verdict.rejected:
        log.warning("provider_values_rejected", provider="gemini", ref=question.ref, features=verdict.rejected)
        evidence = evidence | {"rejected": verdict.rejected}
    return Answer(verdict.features, verdict.confidence, dict(evidence))


def _checked(key: SecretStr) -> SecretStr:
    """The key without blanks around it. One that cannot stand in a header would turn up in the error of the library."""
    text = key.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text or text.startswith("auth_tokens/"):
        raise ConfigurationError(
            "provider-key-refused", "MUSICSPACE_GEMINI__API_KEY is no key of the Gemini API; copy it once more."
        )
    return SecretStr(text)
