"""Ask providers about tracks: whom, about which, and what becomes of the answers."""
