"""What a response says beside the answer: its text, why it ended, which pages it rests on."""

from typing import TYPE_CHECKING, Any

from integrations.provider_errors import readable

if TYPE_CHECKING:
    from google.genai import types

_MAX_SOURCES, _MAX_SEARCHES, _LONGEST_URI = 20, 20, 2_000


def text_of(response: "types.GenerateContentResponse") -> str:
    """The text of the first candidate without the model's thoughts; empty where it was blocked."""
    candidate = _candidate(response)
    if candidate is None or candidate.content is None:
        return ""
    return "".join(part.text for part in candidate.content.parts or () if part.text and not part.thought)


def says_nothing(response: "types.GenerateContentResponse") -> bool:
    """Whether there is neither an answer nor a reason for having none: another protocol than Gemini's."""
    candidates = response.candidates or ()
    is_empty = all(candidate.content is None and candidate.finish_reason is None for candidate in candidates)
    return is_empty and response.prompt_feedback is None


def call_evidence(response: "types.GenerateContentResponse") -> dict[str, Any]:
    """Sources, searches and the end of one call, as JSON. All tracks of the call share them."""
    candidate = _candidate(response)
    evidence: dict[str, Any] = {"sources": [], "searches": []}
    if response.model_version:
        evidence["model_version"] = readable(response.model_version)
    if candidate is None:
        return evidence
    if candidate.finish_reason is not None:
        evidence["finish_reason"] = readable(str(candidate.finish_reason.value))
    grounding = candidate.grounding_metadata
    if grounding is None:
        return evidence
    chunks = [chunk.web for chunk in grounding.grounding_chunks or () if chunk.web is not None]
    evidence["sources"] = [
        {"uri": chunk.uri[:_LONGEST_URI], "title": readable(chunk.title or "")}
        for chunk in chunks[:_MAX_SOURCES]
        # They may be shown as links.
        if chunk.uri and chunk.uri.startswith(("https://", "http://")) and chunk.uri.isprintable()
    ]
    evidence["searches"] = [readable(query) for query in (grounding.web_search_queries or ())[:_MAX_SEARCHES]]
    return evidence


def _candidate(response: "types.GenerateContentResponse") -> "types.Candidate | None":
    return response.candidates[0] if response.candidates else None
