"""Who may use the admin API: the user at the other end of the unix socket, and what the role allows.

Owns the table of roles and permissions. The kernel says who is calling; nobody can claim to be another.
"""

import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from aiohttp import web

from gateway.config import AdminRole, AdminRoleConfig
from gateway.intake.changes import Actor
from gateway.web.problems import ProblemRaised

_UCRED = struct.Struct("3i")
"""pid, uid, gid: `struct ucred` of unix(7)."""
_NOBODY_UID = 65534
"""Processes without rights run under it, among them those of other people; it is never mapped."""


class Permission(Enum):
    """What a caller may do. All but the first two hold for the shops of the caller only."""

    SEE_STATUS = auto()
    SEE_SYSTEM = auto()
    SEE_MESSAGES = auto()
    CHANGE_MESSAGES = auto()
    HOLD = auto()
    SEE_AUDIENCE = auto()
    CHANGE_AUDIENCE = auto()
    SEE_CAMPAIGNS = auto()
    CHANGE_CAMPAIGNS = auto()
    MANAGE_KEYS = auto()
    MANAGE_SHOPS = auto()
    OPERATE = auto()
    """Connectors as they run: taking down, changing, trying out; alerts tried out; the full verification."""
    TRACE = auto()
    """PDUs of every shop as they pass: operators only."""


_P = Permission
PERMISSIONS: dict[AdminRole, frozenset[Permission]] = {
    AdminRole.OPERATOR: frozenset(Permission),
    AdminRole.SHOP_ADMIN: frozenset(
        {
            _P.SEE_STATUS,
            _P.SEE_MESSAGES,
            _P.CHANGE_MESSAGES,
            _P.HOLD,
            _P.SEE_AUDIENCE,
            _P.CHANGE_AUDIENCE,
            _P.SEE_CAMPAIGNS,
            _P.CHANGE_CAMPAIGNS,
            _P.MANAGE_KEYS,
        }
    ),
    AdminRole.AGENT: frozenset({_P.SEE_STATUS, _P.SEE_MESSAGES, _P.SEE_AUDIENCE, _P.SEE_CAMPAIGNS}),
    AdminRole.READ_ONLY: frozenset(
        {_P.SEE_STATUS, _P.SEE_SYSTEM, _P.SEE_MESSAGES, _P.SEE_AUDIENCE, _P.SEE_CAMPAIGNS}
    ),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of this machine and what it may do. `shops` None means all of them."""

    uid: int
    role: AdminRole
    shops: frozenset[str] | None
    reads_all_texts: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(f"uid {self.uid}", is_operator=True)

    @property
    def sees_texts(self) -> bool:
        """Contents of messages are the shop's: only its own people read them, or operators who are."""
        return self.role in (AdminRole.SHOP_ADMIN, AdminRole.AGENT) or self.reads_all_texts

    def may_see_shop(self, name: str) -> bool:
        return self.shops is None or name in self.shops

    def require(self, permission: Permission) -> None:
        """Raises `ProblemRaised` when the role does not allow it."""
        if permission not in PERMISSIONS[self.role]:
            raise ProblemRaised(
                "forbidden",
                f"The role {self.role.value} of uid {self.uid} does not allow this.",
                "Ask an operator, or have admin.roles in the configuration changed.",
            )


def map_callers(
    roles: Iterable[AdminRoleConfig], *, own_uid: int, operators_read_texts: bool = False
) -> dict[int, Caller]:
    """Who may call, by uid: the configured roles, and root and the gateway's own user as operators."""
    callers = {
        entry.uid: Caller(
            entry.uid, entry.role, None if entry.role is AdminRole.OPERATOR else frozenset(entry.shops)
        )
        for entry in roles
    }
    for uid in (0, own_uid):
        callers[uid] = Caller(uid, AdminRole.OPERATOR, None)
    if operators_read_texts:
        for uid, caller in callers.items():
            if caller.role is AdminRole.OPERATOR:
                callers[uid] = replace(caller, reads_all_texts=True)
    callers.pop(_NOBODY_UID, None)
    return callers


class AdminAccess:
    """Tells who calls. `callers` is swapped whole when the configuration is read again."""

    def __init__(self, roles: Iterable[AdminRoleConfig], *, own_uid: int) -> None:
        self.callers: Mapping[int, Caller] = map_callers(roles, own_uid=own_uid)

    def identify(self, request: web.Request) -> Caller:
        """The caller of a request. Raises `ProblemRaised` for users without a role."""
        uid = read_peer_uid(request)
        caller = None if uid is None else self.callers.get(uid)
        if caller is None:
            raise ProblemRaised(
                "forbidden",
                f"The user with uid {uid} has no role here.",
                "Have an operator add the uid to admin.roles in the configuration.",
            )
        return caller


def read_peer_uid(request: web.Request) -> int | None:
    """The uid of the process that connected, as the kernel noted it (SO_PEERCRED, unix(7))."""
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("socket")
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    uid: int = _UCRED.unpack(octets)[1]
    return uid
