"""The socket that the API listens on."""

import socket

from api.server import listen


def test_answers_do_not_wait_for_the_client_to_confirm_their_headers():
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
