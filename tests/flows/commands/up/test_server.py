"""Whether a server answers where `mmindex up` was told to use one."""

import socket
import threading

import pytest

from flows.commands.up.server import answers


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:port/api", "http://", ""])
def test_what_is_no_address_is_no_server(url):
    """It is told as one that does not answer, not as a fault of the program."""
    assert not answers(f"{url}/health", 1)


def test_what_does_not_speak_http_is_no_server():
    """Another program may listen there."""
    with socket.create_server(("127.0.0.1", 0)) as place:

        def greet():
            connection, _ = place.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        threading.Thread(target=greet, daemon=True).start()
        assert not answers(f"http://127.0.0.1:{place.getsockname()[1]}/api/health", 5)
