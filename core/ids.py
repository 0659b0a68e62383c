"""Ids of users, jobs, work items and tracks."""

MAX_ID = 2**63 - 1  #: The largest Postgres bigint.
