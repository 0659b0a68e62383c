"""The Celery application. Its settings load on first use, so importing this connects to nothing."""

from celery import Celery

app = Celery("musicspace")
app.config_from_object("celeryconfig")
