"""`musicspace evaluate routing`: every strategy on pairs of estimates, as Markdown, JSON and plots."""

from services.routing_evaluation.run import Request, evaluate_routing

__all__ = ["Request", "evaluate_routing"]
