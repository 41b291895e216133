"""Datagrams to systemd, read from the other end of the socket."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.hosting.notify import NOTICE_OCTETS, Notice, ServiceNotifier, read_notice


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel,
    ):
        channel.bind(str(Path(folder) / "notify"))
        channel.settimeout(5)
        yield channel


@pytest.mark.integration
def test_words_reach_the_manager_one_line_each(manager: socket.socket) -> None:
    notifier = ServiceNotifier.from_environment({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.starting("recovering\nthe database", extend_seconds=30)
    notifier.ready("3 of 3 binds up")
    notifier.watchdog()
    notifier.stopping("draining")
    assert [manager.recv(1000).decode() for _ in range(4)] == [
        "STATUS=recovering the database\nEXTEND_TIMEOUT_USEC=30000000",
        "READY=1\nSTATUS=3 of 3 binds up",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=draining",
    ]


@pytest.mark.integration
def test_an_abstract_socket_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0estafette-test-{os.getpid()}")
        channel.settimeout(5)
        ServiceNotifier.from_environment({"NOTIFY_SOCKET": f"@estafette-test-{os.getpid()}"}).status("up")
        assert channel.recv(100) == b"STATUS=up"


def test_without_a_manager_every_word_is_dropped() -> None:
    notifier = ServiceNotifier.from_environment({})
    notifier.ready("up")
    assert notifier.watchdog_seconds is None


@pytest.mark.integration
def test_a_manager_that_went_away_does_not_stop_the_server(tmp_path: Path) -> None:
    ServiceNotifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("up")


def test_the_watchdog_is_armed_only_for_this_process() -> None:
    ours = {"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}
    assert ServiceNotifier.from_environment(ours).watchdog_seconds == 20
    assert ServiceNotifier.from_environment(ours | {"WATCHDOG_PID": "1"}).watchdog_seconds is None
    assert ServiceNotifier.from_environment({"WATCHDOG_USEC": "5000000"}).watchdog_seconds == 5


@pytest.mark.integration
def test_a_worker_speaks_the_same_to_the_process_that_started_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        worker = ServiceNotifier(None, 5.0, channel=theirs)
        worker.starting("recovering", extend_seconds=30)
        worker.ready("up")
        worker.watchdog()
        worker.failed("node 1 lost\nits lease")
        notices = [read_notice(ours.recv(NOTICE_OCTETS)) for _ in range(4)]
    assert notices == [
        Notice(status="recovering", extend_seconds=30),
        Notice(status="up", is_ready=True),
        Notice(is_beat=True),
        Notice(fault="node 1 lost its lease"),
    ]


def test_what_is_no_notice_means_nothing() -> None:
    assert read_notice(b"\xff\nREADY\nEXTEND_TIMEOUT_USEC=soon\n=") == Notice()


@pytest.mark.integration
def test_a_parent_that_is_gone_does_not_stop_a_worker() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    with theirs:
        ServiceNotifier(None, None, channel=theirs).ready("up")
