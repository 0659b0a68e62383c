"""The CPU worker with an override that breaks the ledger's promises."""

from workers.cpu import app

__all__ = ["app"]

app.conf.task_acks_late = False
