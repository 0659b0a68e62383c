"""Gemini with Google Search: audio features that a language model finds on the web.

`client` asks, `prompt` words the question, `answers` decides what of an answer is believed, `prices` counts.
Nothing here imports google.genai before the first call.
"""

from integrations.gemini.client import GeminiClient

__all__ = ["GeminiClient"]
