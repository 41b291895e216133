"""Whether this process should get traffic, and in words why not. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Readiness:
    """`reasons` is empty when it is ready; `detail` says it in one sentence."""

    reasons: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        return not self.reasons

    @property
    def detail(self) -> str:
        return "; ".join(self.reasons) if self.reasons else "messages are taken in"


def judge_readiness(
    *, is_database_away: bool, stores_nothing: bool, holds_lease: bool, is_stopping: bool
) -> Readiness:
    """Ready means: a message that comes now is stored and will be sent. A carrier that is down is no reason:
    messages wait for it, and another process would do no better. What the database says when it
    `stores_nothing` is left to the status: this is told without a key."""
    reasons = []
    if is_stopping:
        reasons.append("the server is stopping")
    if stores_nothing:
        reasons.append("the database answers but stores nothing")
    elif is_database_away:
        reasons.append("the database does not answer")
    if not holds_lease:
        reasons.append("this node's lease has run out, until the database has renewed it")
    return Readiness(tuple(reasons))
