"""What calls of Gemini take and cost: at most, before; really, after."""

from typing import TYPE_CHECKING

from core.provider_settings import GeminiSettings
from core.providers import Usage
from integrations.gemini.prompt import REPAIR_INSTRUCTION, SYSTEM_INSTRUCTION, TRACK_BYTES

if TYPE_CHECKING:
    from google.genai import types

# Search results come back as input. Nothing bounds them; these are ample.
_SEARCH_TOKENS, _SEARCH_TOKENS_PER_TRACK = 1_000, 1_500
# The model's thoughts count as output.
_OUTPUT_TOKENS, _OUTPUT_TOKENS_PER_TRACK = 6_000, 400


def max_output_tokens(n_tracks: int) -> int:
    """Where the model is cut short."""
    return _OUTPUT_TOKENS + _OUTPUT_TOKENS_PER_TRACK * n_tracks


def call_estimate(settings: GeminiSettings, n_tracks: int) -> Usage:
    """The most that one grounded call about so many tracks takes: a token per byte, and output up to its limit."""
    prompt = len(SYSTEM_INSTRUCTION.encode()) + 100 + TRACK_BYTES * n_tracks
    searching = _SEARCH_TOKENS + _SEARCH_TOKENS_PER_TRACK * n_tracks
    return _priced(settings, prompt + searching, max_output_tokens(n_tracks), searches=1)


def repair_estimate(settings: GeminiSettings, prompt: str, n_tracks: int) -> Usage:
    """The same for a call that repairs an answer, which does not search."""
    tokens = len(REPAIR_INSTRUCTION.encode()) + len(prompt.encode())
    return _priced(settings, tokens, max_output_tokens(n_tracks), searches=0)


def real_usage(settings: GeminiSettings, response: "types.GenerateContentResponse", estimate: Usage) -> Usage:
    """What the response says that the call took; the estimate where it says nothing.

    Tokens of search results are counted as input. A call costs its search where the model did search.
    """
    counts = response.usage_metadata
    if counts is None:
        return estimate
    return _priced(
        settings,
        (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0),
        (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0),
        searches=int(_has_searched(response)),
    )


def _has_searched(response: "types.GenerateContentResponse") -> bool:
    grounding = [candidate.grounding_metadata for candidate in response.candidates or () if candidate is not None]
    return any(each is not None and (each.web_search_queries or each.grounding_chunks) for each in grounding)


def _priced(settings: GeminiSettings, input_tokens: int, output_tokens: int, searches: int) -> Usage:
    cost_usd = (
        input_tokens * settings.usd_per_million_input_tokens / 1e6
        + output_tokens * settings.usd_per_million_output_tokens / 1e6
        + searches * settings.usd_per_thousand_grounded_calls / 1e3
    )
    return Usage(1, input_tokens, output_tokens, searches, cost_usd)
