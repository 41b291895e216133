"""How long to wait before trying again, as a pure function of the attempt and a random draw."""


def retry_delay_seconds(
    attempt: int, draw: float, *, first_seconds: float = 5.0, longest_seconds: float = 300.0
) -> float:
    """The wait after failed attempt number `attempt` (from 1): doubling, capped, half of it random.

    `draw` is a random number in [0, 1). The jitter keeps messages that failed together from coming back
    together; never less than half the full wait, so that a busy carrier gets its rest.
    """
    # 2¹⁶ times any sensible first wait is beyond any sensible cap; more doublings would only risk overflow.
    full = min(longest_seconds, first_seconds * (1 << min(max(attempt, 1) - 1, 16)))
    return full * (0.5 + 0.5 * draw)
