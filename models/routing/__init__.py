"""Which of two estimates of a feature to trust: a predictor's, or one that was looked up. See docs/ROUTING.md."""
