"""Weights learned from feedback: they find what listeners follow, and say how sure that is."""

import numpy as np
import pytest

from core.audio_settings import DjSettings, DjWeights
from core.errors import PermanentError
from models.dj.feedback import Feedback, learn_weights

NAMES = tuple(DjWeights.model_fields)
SETTINGS = DjSettings()


def listened(wanted: dict[str, float], n_contexts: int, noise: float = 0.05, seed: int = 0):
    """Choices of four among which a listener skips all but the one with the highest wanted terms."""
    rng = np.random.default_rng(seed)
    feedback = []
    for context in range(n_contexts):
        terms = [dict(zip(NAMES, rng.random(len(NAMES)).tolist(), strict=True)) for _ in range(4)]
        scores = [sum(weight * one[name] for name, weight in wanted.items()) + rng.normal(0, noise) for one in terms]
        best = int(np.argmax(scores))
        feedback += [
            Feedback(str(context), one, liked=at == best, skipped=at != best, played_share=1.0 if at == best else 0.1)
            for at, one in enumerate(terms)
        ]
    return feedback


def test_learns_what_the_listener_follows():
    weights, report = learn_weights(listened({"key": 1.0, "low_end": 1.0}, 300), SETTINGS)
    learned = weights.model_dump()
    assert min(learned["key"], learned["low_end"]) > 3 * max(
        value for name, value in learned.items() if name not in {"key", "low_end"}
    )
    assert report.accuracy_after > 0.9 > report.accuracy_before
    assert report.gain == pytest.approx(report.accuracy_after - report.accuracy_before)
    assert report.gain_low <= report.gain <= report.gain_high
    assert report.is_gain
    assert report.n_contexts == 300
    assert report.n_pairs == 900


def test_weights_keep_their_sum_and_stay_at_or_above_zero():
    """A listener who wants the opposite of variety: its weight is 0, not below."""
    weights, _ = learn_weights(listened({"diversity": -1.0, "energy": 0.5}, 300), SETTINGS)
    learned = weights.model_dump()
    assert learned["diversity"] == 0
    assert min(learned.values()) >= 0
    assert sum(learned.values()) == pytest.approx(sum(SETTINGS.weights.model_dump().values()), abs=0.01)


def test_a_listener_who_likes_the_settings_changes_little_and_no_gain_is_claimed():
    weights, report = learn_weights(listened(SETTINGS.weights.model_dump(), 100, noise=0.3), SETTINGS)
    change = np.array(list(weights.model_dump().values())) - np.array(list(SETTINGS.weights.model_dump().values()))
    assert np.abs(change).max() < 0.45
    assert not report.is_gain


def test_no_gain_is_claimed_from_noise():
    claimed = 0
    for seed in range(10):
        _, report = learn_weights(listened({}, 100, noise=1.0, seed=seed), SETTINGS)
        claimed += report.is_gain
    assert claimed <= 2


def test_too_little_feedback_is_refused_by_code_and_says_how_much_there_is():
    for feedback in ([], listened({"key": 1.0}, 20), [Feedback("a", {}) for _ in range(500)]):
        with pytest.raises(PermanentError, match="FEEDBACK_MIN_PAIRS") as refused:
            learn_weights(feedback, SETTINGS)
        assert refused.value.code == "too-little-feedback"


def test_only_choices_of_one_context_are_compared():
    apart = [Feedback(str(at), {"key": 0.5}, liked=at % 2 == 0, skipped=at % 2 == 1) for at in range(2000)]
    with pytest.raises(PermanentError):
        learn_weights(apart, SETTINGS)


@pytest.mark.parametrize(
    ("feedback", "value"),
    [
        (Feedback("a", {}), None),
        (Feedback("a", {}, skipped=True), -1.0),
        (Feedback("a", {}, skipped=True, played_share=0.1), -0.9),
        (Feedback("a", {}, played_share=1.0), 1.0),
        (Feedback("a", {}, liked=True, played_share=1.7), 2.0),
        (Feedback("a", {}, liked=True, played_share=float("nan")), 1.0),
        (Feedback("a", {}, played_share=float("nan")), None),
    ],
)
def test_likes_skips_and_time_played_add_up(feedback, value):
    assert feedback.value == (value if value is None else pytest.approx(value))


def test_unusable_terms_are_passed_over():
    broken = [
        Feedback(one.context, one.terms | {"key": float("nan")}, skipped=True) for one in listened({"key": 1.0}, 50)
    ]
    _, report = learn_weights([*listened({"key": 1.0}, 300), *broken], SETTINGS)
    assert report.n_pairs == 900
