"""Listening: decode recordings and measure tempo, key, loudness and texture. Knows no database and no queue."""
