"""What every part of MusicSpace may import: features, errors, settings, work states, telemetry."""
