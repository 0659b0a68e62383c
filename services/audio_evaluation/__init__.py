"""`musicspace evaluate audio`: tempo, key and beats on music of known truth, beside librosa."""

from services.audio_evaluation.run import Request, evaluate_audio

__all__ = ["Request", "evaluate_audio"]
