"""`musicspace evaluate routing`: every strategy on pairs of estimates, as Markdown, JSON and plots."""

from services.routing_evaluation.run import Outcome, Request, evaluate_routing

__all__ = ["Outcome", "Request", "evaluate_routing"]
