"""Recommenders: what a user is likely to want, from their audio taste (M1), content (M2) and behavior (M3)."""
