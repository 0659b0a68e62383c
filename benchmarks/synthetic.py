"""A synthetic playlist with the shape of a real one: repeated artists and albums, some fields missing."""

import csv
import io
import random

_SYLLABLES = ("ka", "ro", "mi", "ne", "ta", "lo", "shi", "va", "den", "gar", "luna", "pol", "tri", "bel", "mon", "ser")
_GENRES = ("pop", "rock", "hip hop", "dance pop", "k-pop", "jazz", "metal", "country", "house", "soul")


def playlist_csv(n_tracks: int, seed: int = 1) -> bytes:
    """An Exportify-like CSV of distinct tracks; about a quarter lack album, genres and popularity."""
    chance = random.Random(seed)
    artists = [_name(chance, 2) for _ in range(max(n_tracks // 8, 1))]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("Track URI", "Track Name", "Album Name", "Artist Name(s)", "Duration (ms)", "Popularity", "Genres"))
    for number in range(n_tracks):
        artist = chance.choice(artists)
        title = f"{_name(chance, 3)} {number}"
        duration_ms = chance.randrange(90_000, 420_000)
        bare = chance.random() < 0.25
        known = ("", "", "") if bare else (_name(chance, 2), chance.randrange(101), chance.choice(_GENRES))
        table.writerow((f"spotify:track:{number:022d}", title, known[0], artist, duration_ms, known[1], known[2]))
    return text.getvalue().encode()


def _name(chance: random.Random, words: int) -> str:
    return " ".join("".join(chance.choices(_SYLLABLES, k=2)).capitalize() for _ in range(words))
