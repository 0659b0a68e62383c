"""The DJ: indexes of a folder of audio, the library in the database, sets, and what listeners made of them."""
