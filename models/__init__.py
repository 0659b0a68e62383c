"""Everything that predicts. Arrays and dataclasses in and out; no database, no queue."""
