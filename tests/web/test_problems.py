"""What becomes of an exception that no handler foresaw, and of a caller who hangs up."""

from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.web.problems import answer_problems


def make_request(*, is_closing: bool) -> web.Request:
    transport = Mock()
    transport.is_closing.return_value = is_closing
    return make_mocked_request("POST", "/v1/text-preview", transport=transport)


async def lose_the_caller(_: web.Request) -> web.StreamResponse:
    raise ConnectionResetError("Connection lost")


async def test_a_caller_who_hangs_up_is_no_fault_of_the_server() -> None:
    answer = await answer_problems(make_request(is_closing=True), lose_the_caller)
    assert answer.status == 499


async def test_a_broken_connection_of_somebody_else_is_not_hidden() -> None:
    with pytest.raises(ConnectionResetError):
        await answer_problems(make_request(is_closing=False), lose_the_caller)
