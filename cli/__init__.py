"""The `musicspace` command."""
