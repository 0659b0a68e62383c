"""Does a container's command exist in the code? Each check returns what is wrong, in words."""

import ast
import tomllib
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
from container_files import REPOSITORY

from tasks.queues import Queue

# Programs that come with the base images.
SERVER_PROGRAMS = {"postgres", "pg_isready", "valkey-server", "valkey-cli"}


def command_problems(argv: Sequence[str]) -> list[str]:
    """Why the command would not start."""
    match list(argv):
        case ["python", "-m", "celery", *arguments]:
            return list(_celery_problems(arguments))
        case ["python", "-m", module, *arguments]:
            return list(_module_problems(module, arguments))
        case ["python", "-c", code]:
            return list(_code_problems(code))
        case [program, *_] if program in SERVER_PROGRAMS:
            return []
        case [program, *arguments]:
            return list(_script_problems(program, arguments))
    return ["no command in exec form"]


def celery_queues(argv: Sequence[str]) -> set[str]:
    """The queues a worker command consumes; empty for any other command."""
    arguments = [word.removeprefix("--queues=") for word in argv if word.startswith("--queues=")]
    return {queue for argument in arguments for queue in argument.split(",")} if "worker" in argv else set()


def _celery_problems(arguments: list[str]) -> Iterator[str]:
    from celery.bin.celery import celery

    parser = celery.make_parser(click.Context(celery))
    parser.allow_interspersed_args = False
    try:
        options, rest, _ = parser.parse_args(arguments)
    except click.UsageError as error:
        yield f"celery: {error.message}"
        return
    if not _binds(options.get("app", ""), "app"):
        yield f"celery: {options.get('app')!r} is no module with an app"
    name, *own = rest or [""]
    if name == "flower":
        yield from _flower_problems(own)
    elif name in celery.commands:
        yield from _subcommand_problems(celery.commands[name], own)
    else:
        yield f"celery: no command {name!r}"


def _subcommand_problems(command: click.Command, arguments: list[str]) -> Iterator[str]:
    try:
        options, rest, _ = command.make_parser(click.Context(command)).parse_args([*arguments])  # which empties it
    except click.UsageError as error:
        yield f"celery {command.name}: {error.message}"
        return
    if rest:
        yield f"celery {command.name}: unexpected {rest}"
    if not str(options.get("concurrency", 1)).isdigit():
        yield f"celery {command.name}: concurrency is {options['concurrency']!r}"
    if command.name == "worker":
        unknown = celery_queues(["worker", *arguments]) - {str(queue) for queue in Queue}
        yield from (f"celery worker: unknown queue {queue!r}" for queue in sorted(unknown))


def _flower_problems(arguments: list[str]) -> Iterator[str]:
    import_module("flower.options")
    from tornado.options import options

    known = {name.replace("_", "-") for name in options}
    for argument in arguments:
        name = argument.removeprefix("--").partition("=")[0]
        if not argument.startswith("--") or name not in known:
            yield f"flower: no option {argument!r}"


def _module_problems(module: str, arguments: list[str]) -> Iterator[str]:
    source = _source(module)
    if source is None or "__main__" not in source:
        yield f"python -m {module}: no such program"
    elif module == "workers.healthcheck":
        from workers.healthcheck import parse

        try:
            parse(arguments)
        except SystemExit:
            yield f"python -m {module}: wrong arguments {arguments}"
    elif arguments:
        yield f"python -m {module}: takes no arguments, got {arguments}"


def _code_problems(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        yield f"python -c: {error}"
        return
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    yield from (f"python -c: no module {name}" for name in imports if _source(name) is None)


def _script_problems(program: str, words: list[str]) -> Iterator[str]:
    import typer

    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    if program not in scripts:
        yield f"{program}: no such program"
        return
    command = typer.main.get_command(import_module(scripts[program].partition(":")[0]).app)
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            yield f"{program}: no command {' '.join(words)!r}"
            return
    if getattr(command, "commands", None):
        yield f"{program}: {' '.join(words)!r} is a group of commands"


def _binds(module: str, name: str) -> bool:
    """Whether a module of ours has the name, without running it."""
    source = _source(module)
    bound = (alias.asname or alias.name for node in ast.walk(ast.parse(source or "")) for alias in _aliases(node))
    return name in bound


def _aliases(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


def _source(module: str) -> str | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else None
