"""Scripts of faults."""

import pytest

from core.providers import Provider
from integrations.fake_providers.faults import FaultSpecError, parse_faults


def _draw(spec: str, provider: Provider, count: int, seed: int = 0) -> list[str]:
    script = parse_faults(spec, seed)[provider]
    return [script.next() for _ in range(count)]


def test_steps_in_order_then_all_is_well() -> None:
    spec = "gemini:429,500,ok*2,half;reccobeats:reset"
    assert _draw(spec, Provider.GEMINI, 7) == ["429", "500", "ok", "ok", "half", "ok", "ok"]
    assert _draw(spec, Provider.RECCOBEATS, 2) == ["reset", "ok"]


def test_a_share_of_faults_at_random_repeats_with_the_seed() -> None:
    drawn = _draw("random:0.2", Provider.RECCOBEATS, 2_000, seed=1)
    assert 0.15 < sum(fault != "ok" for fault in drawn) / 2_000 < 0.25
    assert drawn == _draw("random:0.2", Provider.RECCOBEATS, 2_000, seed=1)
    assert drawn != _draw("random:0.2", Provider.RECCOBEATS, 2_000, seed=2)
    assert drawn != _draw("random:0.2", Provider.GEMINI, 2_000, seed=1)


def test_kinds_may_be_named_and_steps_come_first() -> None:
    drawn = _draw("gemini:reset,random:1:500|prose", Provider.GEMINI, 200)
    assert drawn[0] == "reset"
    assert set(drawn[1:]) == {"500", "prose"}


def test_nothing_said_is_nothing_wrong() -> None:
    assert _draw("", Provider.GEMINI, 3) == ["ok"] * 3


@pytest.mark.parametrize(
    "spec", ["nonsense", "reccobeats:prose", "gemini:random:2", "429 500", "spotify:429", "gemini:random:0.2:nonsense"]
)
def test_what_cannot_be_understood_is_explained(spec: str) -> None:
    with pytest.raises(FaultSpecError, match=r"fault|share"):
        parse_faults(spec)
