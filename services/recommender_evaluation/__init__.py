"""`musicspace evaluate recommenders`: every recommender on real listening, as a table, Markdown, JSON and a plot."""

from services.recommender_evaluation.run import Request, evaluate_recommenders

__all__ = ["Request", "evaluate_recommenders"]
