"""Engine, tables, repositories and migrations: all SQL lives here."""
