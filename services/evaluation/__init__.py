"""`musicspace evaluate predictors`: all predictors side by side, as Markdown, JSON and plots."""

from services.evaluation.run import Request, evaluate_predictors

__all__ = ["Request", "evaluate_predictors"]
