"""When a worker counts as stalled."""

from workers.stall import StallWatch


def test_messages_waiting_and_free_hands_for_the_whole_patience_is_a_stall():
    watch = StallWatch(patience_s=10)
    verdicts = [watch.observe(now, received=5, waiting=3, free=True) for now in (0, 5, 14, 15)]
    assert verdicts == [False, False, False, True]


def test_anything_received_starts_over():
    watch = StallWatch(patience_s=10)
    watch.observe(0, received=5, waiting=3, free=True)
    watch.observe(5, received=5, waiting=3, free=True)
    assert not watch.observe(20, received=6, waiting=3, free=True)
    assert not watch.observe(25, received=6, waiting=3, free=True)


def test_an_empty_queue_a_busy_worker_and_an_absent_broker_are_no_stall():
    for waiting, free in ((0, True), (3, False), (None, True)):
        watch = StallWatch(patience_s=10)
        assert not any(watch.observe(now, received=5, waiting=waiting, free=free) for now in (0, 20, 40))
