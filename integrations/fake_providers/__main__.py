"""`python -m integrations.fake_providers --port PORT`: run the fakes until interrupted."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from integrations.fake_providers.engine import FakeOptions
from integrations.fake_providers.faults import COMMON, GEMINI_ONLY, FaultSpecError
from integrations.fake_providers.server import FakeServer
from integrations.fake_providers.truth import TruthTableError

_FAULTS = "\n".join(f"  {name:<16}{meaning}" for name, meaning in (COMMON | GEMINI_ONLY).items())
_EPILOG = f"""faults, the last {len(GEMINI_ONLY)} of Gemini alone:
{_FAULTS}

POST /_control takes {{"faults": SPEC, "outage": {{"gemini": true}}, "latency_ms": 50, "per_minute": 60}}, all optional.
GET /_calls lists every call with its tracks, fault and tokens, the busiest minute, and tracks answered twice."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; exit code 0 after SIGTERM or an interrupt, 2 for wrong options, 3 where the port is taken."""
    options = _parser().parse_args(arguments)
    try:
        server = FakeServer(
            options.port,
            FakeOptions(
                faults=options.faults,
                seed=options.seed,
                unknown=options.unknown,
                latency_ms=options.latency_ms,
                per_minute=options.per_minute,
                truth=options.truth,
                accepted_key=options.accepted_key,
            ),
        )
    except (FaultSpecError, TruthTableError) as error:
        return _fail(str(error), 2)
    except (OSError, OverflowError) as error:
        return _fail(f"port {options.port}: {error}", 3)
    return _serve(server)


def _serve(server: FakeServer) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, name="fake-providers", daemon=True)
    thread.start()
    sys.stdout.write(f"fake providers at {server.url} (made-up answers)\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    thread.join(5)
    return 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"fake providers: {message}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integrations.fake_providers",
        description="ReccoBeats and Gemini on this machine, with made-up answers and faults on a script.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True, help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--faults", default="", help="a script such as 'gemini:429,500,ok*3;reccobeats:random:0.2'")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other faults and answers")
    parser.add_argument("--unknown", type=float, default=0.0, help="share of tracks that each provider does not know")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="mean time of an answer")
    parser.add_argument("--per-minute", type=int, help="calls in any minute beyond which a provider answers 429")
    parser.add_argument("--truth", type=Path, help="Parquet with track_id or spotify_id, artist, title, nine features")
    parser.add_argument("--accepted-key", help="the only key that Gemini accepts; any where not given")
    return parser


if __name__ == "__main__":
    sys.exit(main())
