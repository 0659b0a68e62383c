"""Use cases: plain functions over a session and injected models."""
