"""Every task has a queue, every queue a consumer, every kind of work a task."""

import pytest

from cli.watching import KINDS_OF_WORK
from core.errors import ConfigurationError
from core.settings import Settings
from core.work import JobKind, WorkKind
from tasks.queues import ROUTES, WORK_TASKS, Queue, TaskName, broker_url_of, work_kinds
from tasks.safety import check_settings


@pytest.fixture
def celery_app(settings):
    """The application with its tasks registered. It reads its settings once a process, hence those of all tests."""
    from tasks.app import app

    app.loader.import_default_modules()
    return app


def test_every_registered_task_has_a_name_of_its_own_and_a_queue(celery_app):
    own = {name for name in celery_app.tasks if not name.startswith("celery.")}
    assert own == {str(name) for name in TaskName}
    assert set(ROUTES) == set(TaskName)
    for name in own:
        assert celery_app.conf.task_routes[name]["queue"] in celery_app.amqp.queues


def test_a_training_has_a_time_limit_of_its_own_and_no_message_comes_twice_meanwhile(celery_app):
    limits = {name: celery_app.tasks[name].time_limit for name in (str(TaskName.ENRICH), str(TaskName.TRAIN_GLOBAL))}
    assert limits == {"musicspace.enrich": 900, "musicspace.train-global": 3600}
    check_settings(celery_app)
    visibility_s = celery_app.conf.broker_transport_options["visibility_timeout"]
    celery_app.tasks[str(TaskName.TRAIN_GLOBAL)].time_limit = visibility_s
    try:
        with pytest.raises(ConfigurationError, match="must exceed time_limit of musicspace"):
            check_settings(celery_app)
    finally:
        celery_app.tasks[str(TaskName.TRAIN_GLOBAL)].time_limit = 3600


def test_every_queue_is_bound_to_its_own_key(celery_app):
    """Queues that share a key would all receive every message."""
    queues = celery_app.amqp.queues
    assert set(queues) == {str(queue) for queue in Queue}
    assert {queue.routing_key for queue in queues.values()} == set(queues)


def test_every_kind_of_work_has_a_task():
    assert set(WORK_TASKS) == set(WorkKind)
    assert sorted(kind for queue in Queue for kind in work_kinds(queue)) == sorted(WorkKind)


def test_a_command_that_waits_knows_what_a_job_of_each_kind_needs():
    assert set(KINDS_OF_WORK) == set(JobKind)


def test_up_consumes_every_queue():
    from cli.processes import UpOptions, processes

    options = UpOptions(concurrency=1, api_host="127.0.0.1", api_port=1, flower_port=None)
    specs = processes(Settings(), options, "postgresql://x/y", "redis://x")
    consumed = {
        queue
        for spec in specs
        for argument in spec.argv
        if argument.startswith("--queues=")
        for queue in argument.removeprefix("--queues=").split(",")
    }
    assert consumed == {str(queue) for queue in Queue}


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://host:6380/2", "redis://host:6380/2"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix:///run/valkey.sock?db=9", "redis+socket:///run/valkey.sock?virtual_host=9"),
    ],
)
def test_broker_urls(redis_url, broker_url):
    assert broker_url_of(redis_url) == broker_url
