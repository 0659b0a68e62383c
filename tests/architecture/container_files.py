"""docker-compose.yml, the Dockerfiles and their companions, read the way the container engine reads them."""

import json
import re
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE, EXAMPLE_ENV, IGNORE = "docker-compose.yml", "deploy/docker/example.env", ".dockerignore"
DOCKERFILES = "deploy/docker"
# ${NAME}, ${NAME:-default}, ${NAME:?message}
INTERPOLATION = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of one Dockerfile, as (keyword, arguments)."""

    instructions: list[tuple[str, str]]

    def last(self, keyword: str) -> str | None:
        """The instruction that counts, of those the final stage has."""
        return next((value for name, value in reversed(self._final_stage) if name == keyword), None)

    def words(self, keyword: str) -> list[str] | None:
        """The last instruction in exec form; None where it is missing or in shell form."""
        value = self.last(keyword)
        if keyword == "HEALTHCHECK" and value is not None:
            value = value.partition(" CMD ")[2]
        try:
            return json.loads(value) if value is not None else None
        except json.JSONDecodeError:
            return None

    @property
    def base_images(self) -> list[str]:
        return [value.split()[0] for name, value in self.instructions if name == "FROM"]

    @property
    def sources(self) -> list[str]:
        """What it copies from the repository."""
        copies = [value.split() for name, value in self.instructions if name in {"COPY", "ADD"}]
        return [word for copy in copies if not any(part.startswith("--from=") for part in copy) for word in copy[:-1]]

    @property
    def variables(self) -> dict[str, str]:
        """Everything that ENV and ARG set, in any stage."""
        values = [value for name, value in self.instructions if name in {"ENV", "ARG"}]
        return {key: text for value in values for key, _, text in (part.partition("=") for part in shlex.split(value))}

    @property
    def _final_stage(self) -> list[tuple[str, str]]:
        start = max(i for i, (name, _) in enumerate(self.instructions) if name == "FROM")
        return self.instructions[start:]


def parse_dockerfile(text: str) -> Dockerfile:
    """Instructions without comments, continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", lines)
    parts = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return Dockerfile([(keyword.upper(), arguments.strip()) for keyword, _, arguments in parts])


@dataclass(frozen=True)
class Containers:
    """All files about containers, by their path in the repository."""

    texts: dict[str, str]

    @cached_property
    def compose(self) -> dict[str, Any]:
        return yaml.safe_load(self.texts[COMPOSE])

    @cached_property
    def dockerfiles(self) -> dict[str, Dockerfile]:
        return {path: parse_dockerfile(text) for path, text in self.texts.items() if path.endswith(".Dockerfile")}

    @cached_property
    def services(self) -> dict[str, dict[str, Any]]:
        return self.compose["services"]

    @cached_property
    def example_variables(self) -> dict[str, bool]:
        """Variables of the example file, and whether a person has to set them: the optional ones are commented out."""
        found = re.findall(r"^(#?)(\w+)=", self.texts[EXAMPLE_ENV], re.MULTILINE)
        return {name: not mark for mark, name in found}

    def dockerfile(self, service: str) -> Dockerfile:
        return self.dockerfiles[self.services[service]["build"]["dockerfile"]]

    def command(self, service: str) -> list[str] | None:
        """What the container runs, with the defaults of its variables; None without an exec form."""
        words = self.services[service].get("command") or self.dockerfile(service).words("CMD")
        return None if words is None else [interpolated(word) for word in words]

    def health_command(self, service: str) -> list[str] | None:
        """What tells its health."""
        healthcheck = self.services[service].get("healthcheck")
        return healthcheck["test"][1:] if healthcheck else self.dockerfile(service).words("HEALTHCHECK")

    def environment(self, service: str) -> dict[str, str]:
        """Variables of the container that are set by our files."""
        own = self.services[service].get("environment", {})
        return self.dockerfile(service).variables | {name: interpolated(value) for name, value in own.items()}

    def ignored(self, path: str) -> bool:
        """Whether .dockerignore keeps a path out of the build: the last rule that matches it or a parent decides."""
        steps = ["/".join(path.split("/")[: i + 1]) for i in range(path.count("/") + 1)]
        verdict = False
        for line in self.texts[IGNORE].splitlines():
            rule = line.strip()
            if rule and not rule.startswith("#"):
                pattern = _pattern(rule.removeprefix("!"))
                if any(pattern.fullmatch(step) for step in steps):
                    verdict = not rule.startswith("!")
        return verdict

    def changed(self, path: str, old: str, new: str) -> "Containers":
        """A copy with one text replaced everywhere in one file."""
        assert old in self.texts[path], f"{old!r} is not in {path}"
        return replace(self, texts=self.texts | {path: self.texts[path].replace(old, new)})


def read_containers() -> Containers:
    """The files of this repository."""
    paths = [COMPOSE, EXAMPLE_ENV, IGNORE]
    paths += [str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / DOCKERFILES).glob("*.Dockerfile")]
    return Containers({path: (REPOSITORY / path).read_text(encoding="utf-8") for path in paths})


def interpolated(value: str) -> str:
    """The value with each variable's default, or a stand-in for one that has to be set."""
    return INTERPOLATION.sub(
        lambda found: (found["text"] or "") if found["kind"] == "-" else f"value-of-{found['name']}", value
    )


def _pattern(rule: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", rule.strip("/"))
    return re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))
