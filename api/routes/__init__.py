"""Endpoints, one module per topic."""
