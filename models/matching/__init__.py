"""Whether two artists and titles name the same recording: spellings, versions, durations, scores. Knows no database."""
