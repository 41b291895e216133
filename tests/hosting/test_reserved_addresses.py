"""TCP addresses that are kept for listeners of our own."""

import socket

import pytest

from gateway.hosting.addresses import reserve_address
from gateway.hosting.errors import AddressTaken

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as channel:
        channel.bind((HOST, 0))
        return int(channel.getsockname()[1])


def listen(port: int, *, shares: bool) -> socket.socket:
    """As aiohttp listens, alone or with others."""
    channel = socket.socket()
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shares:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        channel.bind((HOST, port))
        channel.listen()
    except OSError:
        channel.close()
        raise
    return channel


def test_ours_listen_together_and_get_the_connections() -> None:
    port = free_port()
    with reserve_address(HOST, port), listen(port, shares=True) as one, listen(port, shares=True) as two:
        for listener in (one, two):
            listener.setblocking(False)
        taken = 0
        for _ in range(8):
            with socket.create_connection((HOST, port), timeout=5):
                for listener in (one, two):
                    try:
                        listener.accept()[0].close()
                        taken += 1
                    except BlockingIOError:
                        pass
        assert taken == 8


def test_a_stranger_is_refused_before_and_after_ours_listen() -> None:
    port = free_port()
    with reserve_address(HOST, port):
        with pytest.raises(OSError, match="in use"):
            listen(port, shares=False)
        with listen(port, shares=True), pytest.raises(OSError, match="in use"):
            listen(port, shares=False)


@pytest.mark.parametrize("shares", [False, True])
def test_an_address_of_another_server_is_not_taken(shares: bool) -> None:
    port = free_port()
    with (
        listen(port, shares=shares),
        pytest.raises(AddressTaken, match=f"port {port} of {HOST} is in use"),
        reserve_address(HOST, port),
    ):
        pass


def test_two_servers_of_several_workers_do_not_share() -> None:
    port = free_port()
    with (
        reserve_address(HOST, port),
        listen(port, shares=True),
        pytest.raises(AddressTaken),
        reserve_address(HOST, port),
    ):
        pass


def test_an_address_of_another_machine_is_told_as_that() -> None:
    with pytest.raises(AddressTaken, match="cannot be used"), reserve_address("192.0.2.1", free_port()):
        pass
