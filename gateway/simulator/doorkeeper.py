"""Judges binds: credentials, kinds, places, and sessions that are dead but not yet noticed.

Owns how long a lost session still takes a place. Pure: told the time, asked for a `command_status`.
"""

from collections import deque

from gateway.simulator.profile import BindRules
from gateway.smpp.pdus import BindRequest
from gateway.smpp.statuses import CommandStatus


class Doorkeeper:
    """One SMSC's judgement of who may bind."""

    def __init__(self, rules: BindRules) -> None:
        self._rules = rules
        self._passwords = {each.system_id.encode(): each.password.encode() for each in rules.accounts}
        self._modes = {mode.value for mode in rules.modes}
        self._ghosts: dict[str, deque[float]] = {}
        """When each lost session of an account will be noticed, the soonest first."""

    def judge(self, bind: BindRequest, account: str, mode: str, *, sessions: int, now: float) -> int:
        """The `command_status` to answer; `account` holds `sessions` live ones."""
        rules = self._rules
        if rules.refuse_with:
            return rules.refuse_with
        if self._passwords:
            password = self._passwords.get(bind.system_id)
            if password is None:
                return CommandStatus.ESME_RINVSYSID.value
            if password != bind.password:
                return CommandStatus.ESME_RINVPASWD.value
        if mode not in self._modes:
            return rules.mode_refused_with
        if rules.system_type is not None and bind.system_type != rules.system_type.encode():
            return CommandStatus.ESME_RINVSYSTYP.value
        if rules.address_range is not None and bind.address_range != rules.address_range.encode():
            return CommandStatus.ESME_RBINDFAIL.value
        if sessions + self._count_ghosts(account, now) >= rules.sessions_per_account:
            return CommandStatus.ESME_RALYBND.value
        return CommandStatus.ESME_ROK.value

    def note_lost(self, account: str, *, now: float) -> None:
        """A session of `account` ended without an unbind: it counts on until it is noticed."""
        if self._rules.remembers_seconds:
            self._ghosts.setdefault(account, deque()).append(now + self._rules.remembers_seconds)

    def _count_ghosts(self, account: str, now: float) -> int:
        ghosts = self._ghosts.get(account)
        if not ghosts:
            return 0
        while ghosts and ghosts[0] <= now:
            ghosts.popleft()
        return len(ghosts)
