"""Celery settings. The ledger relies on the ones in `tasks.safety`, which every worker checks at its start."""

from datetime import timedelta

from celery.schedules import crontab
from kombu import Exchange
from kombu import Queue as KombuQueue

from core.settings import get_settings
from tasks.queues import ROUTES, Queue, TaskName, broker_url_of

_settings = get_settings()
# Often enough for users who are quiet for as long as the setting says.
_renewal_seconds = min(30.0, max(1.0, _settings.personal.debounce_seconds))
_longest_task_seconds = max(_settings.worker.hard_time_limit_seconds, _settings.train.time_limit_seconds)

broker_url = broker_url_of(_settings.required_redis_url)
broker_connection_retry_on_startup = True
# Retry for as long as it takes: the work waits in Postgres meanwhile.
broker_connection_max_retries = None
broker_transport_options = {
    # Above every hard time limit, or a message would be delivered again while its task still runs.
    "visibility_timeout": _longest_task_seconds + 300,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    # A consumer that missed the end of its connection (celery issues 8030, 10205) finds out this soon.
    "health_check_interval": 5,
    # A publisher gives up quickly: its items stay due in Postgres. Workers reconnect by their own rules.
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}

result_backend = None
task_ignore_result = True
task_store_errors_even_if_ignored = False

accept_content = ["json"]
task_serializer = "json"
result_serializer = "json"
event_serializer = "json"

imports = (
    *("tasks.analyze", "tasks.enrich", "tasks.forget_user", "tasks.look_up", "tasks.maintenance", "tasks.train"),
    *("tasks.train_community", "tasks.train_user"),
)
task_queues = [KombuQueue(str(queue), Exchange(str(queue)), routing_key=str(queue)) for queue in Queue]
task_create_missing_queues = False
task_default_queue = str(Queue.MAINTENANCE)
task_routes = {str(task): {"queue": str(queue)} for task, queue in ROUTES.items()}

task_acks_late = True
task_acks_on_failure = True
task_acks_on_timeout = True
task_reject_on_worker_lost = True
task_time_limit = _settings.worker.hard_time_limit_seconds
task_annotations = {
    str(task): {"time_limit": _settings.train.time_limit_seconds}
    for task in (TaskName.TRAIN_GLOBAL, TaskName.TRAIN_COMMUNITY)
}
task_track_started = False

worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = _settings.worker.soft_shutdown_seconds
worker_enable_soft_shutdown_on_idle = False
worker_cancel_long_running_tasks_on_connection_loss = False
worker_hijack_root_logger = False
worker_redirect_stdouts = False
worker_proc_alive_timeout = 60.0

beat_scheduler = "celery.beat.Scheduler"
beat_schedule = {
    "dispatch": {
        "task": str(TaskName.DISPATCH),
        "schedule": timedelta(seconds=_settings.ledger.dispatch_interval_seconds),
        # A message nobody took in time is worth nothing: the next one does the same.
        "options": {"expires": 5 * _settings.ledger.dispatch_interval_seconds},
    },
    "renew-models": {
        "task": str(TaskName.RENEW_MODELS),
        "schedule": timedelta(seconds=_renewal_seconds),
        "options": {"expires": _renewal_seconds},
    },
    "renew-community": {
        "task": str(TaskName.RENEW_COMMUNITY),
        "schedule": crontab(hour="4", minute="0"),
        "options": {"expires": 3600},
    },
    "clean-up": {"task": str(TaskName.CLEAN_UP), "schedule": timedelta(hours=1), "options": {"expires": 3600}},
    "clean-up-models": {
        "task": str(TaskName.CLEAN_UP_MODELS),
        "schedule": crontab(hour="3", minute="15"),
        "options": {"expires": 3600},
    },
}
