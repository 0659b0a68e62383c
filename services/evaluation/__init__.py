"""`musicspace evaluate predictors`: all predictors side by side, as Markdown, JSON and plots."""

from services.evaluation.run import Outcome, Request, evaluate_predictors

__all__ = ["Outcome", "Request", "evaluate_predictors"]
