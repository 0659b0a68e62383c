"""Models of single users: behavior, training, recommendations, and the life of a model until its clean-up."""
