"""Adapters to what lies outside: embedded servers now, providers later."""
