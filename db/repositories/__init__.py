"""All SQL. A repository function takes a session, runs its statements and leaves the commit to the caller."""
