"""What to play next: limits, terms, goals, crossfades and whole sets, from arrays and descriptions. See docs/DJ.md."""
