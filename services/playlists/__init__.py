"""Reading playlist files: bytes of many formats and encodings in, validated rows and reported rejects out."""
