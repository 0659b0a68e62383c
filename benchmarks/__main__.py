"""`python -m benchmarks [--tracks N] [--out FILE]`: run all measurements, print a table, keep the figures as JSON."""

import argparse
import json
import os
import platform
import shutil
import tempfile
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.throughput import Result, run_all
from cli.servers import connected
from core.settings import get_settings, use_settings


def main() -> None:
    """Measure on embedded servers in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tracks", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=Path("bench-results/throughput.json"))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="musicspace-bench-"))
    folder.chmod(0o755)
    use_settings(get_settings().model_copy(update={"data_dir": folder, "database_url": None, "redis_url": None}))
    try:
        with connected() as settings:
            os.environ["MUSICSPACE_REDIS_URL"] = settings.required_redis_url
            results, used = run_all(settings, options.tracks)
    finally:
        shutil.rmtree(folder)
    figures = summarize(results, used)
    show(results, figures)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def summarize(results: list[Result], used: dict[str, float]) -> dict[str, object]:
    """The figures as one JSON object. The loop ran before and after; the ratio takes the mean of both."""
    by_name: dict[str, list[Result]] = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    per_second = {name: sum(r.per_second for r in runs) / len(runs) for name, runs in by_name.items()}
    (end_to_end,) = by_name["end to end, two processes"]
    return {
        "per_second": per_second,
        "ratio_to_loop": end_to_end.per_second / per_second["in-process loop"],
        "end_to_end_cpu_seconds": used,
        "end_to_end_seconds": end_to_end.seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def show(results: list[Result], figures: dict[str, object]) -> None:
    """A table for people."""
    console = Console()
    table = Table("measurement", "n", "seconds", "per second", box=SIMPLE_HEAD)
    for result in results:
        table.add_row(result.name, f"{result.n:,} {result.unit}", f"{result.seconds:.2f}", f"{result.per_second:,.0f}")
    console.print(table)
    console.print(f"End to end runs at {figures['ratio_to_loop']:.2f} of the in-process loop.")
    used, seconds = figures["end_to_end_cpu_seconds"], figures["end_to_end_seconds"]
    assert isinstance(used, dict)
    assert isinstance(seconds, float)
    shares = ", ".join(f"{name} {share / seconds:.2f}" for name, share in used.items())
    console.print(f"Cores busy meanwhile ({figures['cores']} there are): {shares}.")


if __name__ == "__main__":
    main()
