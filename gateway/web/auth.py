"""Who calls the public API: the key in the `Authorization` header, and what that key may do.

Answers alike to a key that is malformed, unknown, revoked or of a closed shop.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.intake.directory import KeyDirectory
from gateway.store.shops import KeyHolder
from gateway.web.problems import ProblemRaised

HolderHandler = Callable[[web.Request, KeyHolder], Awaitable[web.StreamResponse]]
_SCHEME = "bearer "
_LONGEST_HEADER = 200


class Authentication:
    """Turns a handler that needs a key's holder into one that takes any request."""

    def __init__(self, directory: KeyDirectory) -> None:
        self._directory = directory

    def require(
        self, scope: str, handler: HolderHandler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """`handler` behind the check that the caller's key has `scope`."""
        find = self._directory.find

        async def check_and_handle(request: web.Request) -> web.StreamResponse:
            header = request.headers.get("Authorization", "")
            holder = None
            if header[:7].lower() == _SCHEME and len(header) <= _LONGEST_HEADER:
                holder = await find(header[7:].strip())
            if holder is None:
                raise _unknown_key(header)
            if scope not in holder.scopes:
                raise ProblemRaised(
                    "forbidden",
                    f"This key does not have the scope {scope}.",
                    "Use a key that has it, or have the operator make one.",
                )
            return await handler(request, holder)

        return check_and_handle


def _unknown_key(header: str) -> ProblemRaised:
    if not header:
        detail = "The request has no Authorization header."
    elif header[:7].lower() != _SCHEME:
        detail = "The Authorization header does not hold a Bearer key."
    else:
        detail = "This key is not known here; it may be mistyped or revoked."
    return ProblemRaised(
        "unauthorized",
        detail,
        "Send Authorization: Bearer followed by a key that begins with est_live_ or est_test_.",
        headers={"WWW-Authenticate": 'Bearer realm="estafette"'},
    )
