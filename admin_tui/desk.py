"""What every screen works with: the client, the words, whose shop it is, who sits here, what time it is.

One object made at start and handed to screens, so that a screen needs nothing of the application.
"""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote

from admin_tui.access import Access
from admin_tui.client import ApiClient, Failure, FailureKind
from admin_tui.feed import Feed
from admin_tui.words import Words


class Desk:
    """The state that screens share. `shop` is empty until the server said which shops there are, `screens`
    are the numbers and names of those that the person may see; `zone` None shows this machine's times."""

    def __init__(
        self,
        client: ApiClient,
        words: Words,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        shop: str = "",
        zone: tzinfo | None = None,
        is_read_only: bool = False,
    ) -> None:
        self.client = client
        self.words = words
        self.feed = Feed(client, monotonic)
        self.clock = clock
        self.zone = zone
        self.shop = shop
        self.shops: tuple[str, ...] = ()
        self.screens: tuple[tuple[int, str], ...] = ()
        self.access = Access()
        self.is_read_only = is_read_only
        self.is_frozen = False

    def say(self, key: str, **values: object) -> str:
        return self.words.say(key, **values)

    def may(self, right: str) -> bool:
        return self.access.may(right)

    def shop_path(self, tail: str) -> str:
        """Where the admin API keeps what belongs to the shop chosen now."""
        return f"/admin/shops/{quote(self.shop, safe='')}{tail}"

    def now(self) -> datetime:
        return self.clock()

    def local(self, moment: str | None) -> datetime | None:
        """A time of the API in the zone that people here read."""
        if not moment:
            return None
        return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(self.zone)

    def seconds_since(self, moment: str | None) -> float:
        at = self.local(moment)
        return 0.0 if at is None else (self.clock().astimezone(UTC) - at.astimezone(UTC)).total_seconds()

    def describe(self, failure: Failure) -> str:
        """A failure as a sentence for the person, in their language where it is ours."""
        match failure.kind:
            case FailureKind.AWAY:
                return self.say("frame.failure.away", address=self.client.address, reason=failure.sentence)
            case FailureKind.BROKEN:
                return self.say("frame.failure.broken", reason=failure.sentence)
            case _:
                return failure.sentence
