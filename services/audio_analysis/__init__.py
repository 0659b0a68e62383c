"""Listening to files: decoding ahead of the device, descriptors and embeddings for each file, errors for each file."""
