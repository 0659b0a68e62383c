"""Have every provider asked at the fake ones of `musicspace up --fake-providers`. A key that is set stays at home."""

from pydantic import SecretStr

from core.settings import Settings

_NO_KEY = "no-key-needed-here"


def environment_of(url: str) -> dict[str, str]:
    """Variables for processes of the system."""
    return {
        "MUSICSPACE_RECCOBEATS__ENABLED": "true",
        "MUSICSPACE_RECCOBEATS__BASE_URL": url,
        "MUSICSPACE_GEMINI__API_KEY": _NO_KEY,
        "MUSICSPACE_GEMINI__BASE_URL": url,
    }


def asking_fakes(settings: Settings, url: str) -> Settings:
    """The same for a command in another terminal."""
    return settings.model_copy(
        update={
            "reccobeats": settings.reccobeats.model_copy(update={"enabled": True, "base_url": url}),
            "gemini": settings.gemini.model_copy(update={"api_key": SecretStr(_NO_KEY), "base_url": url}),
        }
    )
