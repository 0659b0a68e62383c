"""Predictors of the nine audio features from track metadata; reached by name through `models.registry`."""
