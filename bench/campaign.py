"""`bench campaign`: a campaign from its start to the last receipt, paused once or killed on the way.

The sink keeps a log of every text with the number that it went to, so that "each recipient once" is counted
at the carrier and not believed of our own rows.
"""

import random
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.audience import fill_audience
from bench.cost import Cost
from bench.errors import BenchError
from bench.parameters import describe
from bench.recipients import COUNTRIES, number_of
from bench.server import Carrier, Server, start_server
from bench.smsc import Smsc, start_smsc
from gateway.commands.errors import AdminRefused
from gateway.domain.public_ids import encode_public_id

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.01
"""Between two looks at the sink before a pause: 5,000 texts are gone in a third of a second."""
_SILENCE_SECONDS = 60.0
_PAUSE_AT = 0.3
"""Share of the recipients after which it is paused."""
_STILL_SECONDS = 2.0
_KILL_STILL_SECONDS = 90.0
_CARRIER = Carrier(connectors=2, binds=1, window=1000, parts_per_second=20_000)
_EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_HOUR: dict[str, object] = {
    "country_rules": [
        {"country": country, "hours": [{"days": _EVERY_DAY, "hours": "00:00-24:00"}], "skip_holidays": False}
        for country in COUNTRIES
    ]
}
"""A measurement must not wait for Monday."""
_TEXT = "Bonjour {{ first_name }}, -20 % jusqu'a dimanche: {{ link }} [{{ number }}] STOP: {{ stop_link }}"


@dataclass(frozen=True, slots=True)
class CampaignOptions:
    """What one run does. `kills` SIGKILLs instead of a pause."""

    recipients: int
    kills: int = 0
    seed: int = 1
    workers: int = 1


@dataclass(slots=True)
class CampaignFigures:
    """What a run found; seconds are those of the clock on the wall."""

    recipients: int
    seconds: float = 0.0
    rate_per_second: float = 0.0
    first_message_seconds: float = 0.0
    pause_seconds: float | None = None
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    """From a submit_sm to the answer of its receipt, at the sink."""
    cost: Cost | None = None
    """For each recipient; None with kills, which take the books of a process along."""
    texts: int = 0
    """Texts that the sink took."""
    recipients_once: int = 0
    recipients_never: int = 0
    recipients_twice: int = 0
    messages: int = 0
    """Rows of messages of the campaign."""
    messages_unknown: int = 0
    """Without an answer because of a kill: they may have gone out, and are never sent again."""
    ledger_balanced: bool = False
    kills: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Everyone has exactly one message, nobody got two texts, and only those whose outcome a kill left
        open may have got none."""
        return (
            self.ledger_balanced
            and self.messages == self.recipients
            and self.recipients_twice == 0
            and self.recipients_never <= self.messages_unknown
        )

    def as_document(self) -> dict[str, object]:
        told = {**asdict(self), "parameters": dict(self.parameters)}
        del told["cost"]
        if self.cost is None:
            return {"name": "campaign", **told}
        told["parameters"]["cpu_seconds"] = self.cost.cpu_seconds
        return {"name": "campaign", **told, **self.cost.as_document()}


def run_campaign(options: CampaignOptions) -> CampaignFigures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    with tempfile.TemporaryDirectory(prefix="estafette-bench-log-") as folder:
        log = Path(folder) / "texts.log"
        with (
            start_smsc(
                None, ["--log", str(log), "--quiet"] if not options.kills else ["--log", str(log)]
            ) as smsc,
            start_server(smsc, _CARRIER, EVERY_HOUR, workers=options.workers) as server,
        ):
            if not smsc.keeps_clock:
                raise BenchError("`bench campaign` needs a C compiler for its sink")
            figures = _Measurement(options, smsc, server).run()
        _read_log(log, figures)
    return figures


def create_campaign(server: Server, list_id: int) -> tuple[str, dict[str, object]]:
    """A draft to everybody on the list: its path in the API, and the body of the request that starts it."""
    campaign = server.admin.post(
        "/admin/shops/bench/campaigns",
        {
            "name": "bench",
            "text": _TEXT,
            "sender": "ESTAFETTE",
            "links": [{"name": "link", "url": "https://shop.example.com/sale"}],
            "audience": {"lists": [encode_public_id("lst", list_id)]},
        },
    )
    path = f"/admin/shops/bench/campaigns/{campaign['id']}"
    estimate = server.admin.post(f"{path}/estimate")
    return path, {"recipients": estimate["recipients"], "version": campaign["version"]}


class _Measurement:
    def __init__(self, options: CampaignOptions, smsc: Smsc, server: Server) -> None:
        self._options = options
        self._smsc = smsc
        self._server = server
        self._random = random.Random(options.seed)
        self._path = ""
        self._figures = CampaignFigures(options.recipients)

    def run(self) -> CampaignFigures:
        server, figures = self._server, self._figures
        people = self._options.recipients
        list_id = server.postgres.fill(lambda connection: fill_audience(connection, people))
        self._path, wanted = create_campaign(server, list_id)
        before = server.costs.read()
        started = time.time()
        server.admin.post(f"{self._path}/start", wanted)
        paused_for = self._kill_now_and_then() if self._options.kills else self._pause_once(started)
        counts = self._wait_for_end()
        figures.seconds = counts.last_submit - counts.first_submit - paused_for
        figures.rate_per_second = people / figures.seconds if figures.seconds > 0 else 0.0
        figures.p50_ms, figures.p99_ms = counts.p50_ms, counts.p99_ms
        figures.first_message_seconds = counts.first_submit - started
        if not self._options.kills:
            figures.cost = server.costs.since(before, people)
        figures.parameters = describe(
            server, self._smsc, _CARRIER, recipients=people, seed=self._options.seed
        )
        rows = server.postgres.fetch(
            "SELECT (SELECT count(*) FROM message WHERE campaign_id IS NOT NULL), "
            "(SELECT count(*) FROM message_state WHERE state = 10), "
            "(SELECT count(*) FROM campaign_recipient WHERE message_id IS NOT NULL), "
            "(SELECT count(DISTINCT message_id) FROM campaign_recipient)"
        )[0]
        figures.messages, figures.messages_unknown = rows[0], rows[1]
        if not rows[0] == rows[2] == rows[3]:
            raise BenchError(f"{rows[0]} messages, {rows[2]} recipients with one, {rows[3]} different ones")
        figures.ledger_balanced = server.is_balanced()
        return figures

    def _pause_once(self, started: float) -> float:
        """Pause on the way, see how long texts still leave, and go on; gives the seconds that it rested.

        A few thousand recipients may all have been served before the pause arrives: then nothing rested, and
        `pause_seconds` stays None.
        """
        wanted = int(self._options.recipients * _PAUSE_AT)
        while self._smsc.counts().submits < wanted:
            if time.time() - started > _SILENCE_SECONDS + self._options.recipients / 1000:
                raise BenchError(f"never came to {wanted:,} texts: {self._show()}")
            time.sleep(_LOOK_SECONDS)
        asked = time.time()
        if not self._move("pause"):
            return 0.0
        time.sleep(_STILL_SECONDS)
        counts = self._smsc.counts()
        if counts.submits >= self._options.recipients:
            self._move("resume")
            return 0.0
        self._figures.pause_seconds = max(0.0, counts.last_submit - asked)
        still = counts.submits
        self._server.admin.post(f"{self._path}/resume")
        while self._smsc.counts().submits == still:
            time.sleep(_LOOK_SECONDS)
        return time.time() - counts.last_submit

    def _move(self, word: str) -> bool:
        """Pause or resume it; False where everybody was served meanwhile and it has finished."""
        try:
            self._server.admin.post(f"{self._path}/{word}")
        except AdminRefused:
            if self._show()["state"] != "finished":
                raise
            return False
        return True

    def _kill_now_and_then(self) -> float:
        """SIGKILL the server at random moments, most of them while people are frozen or expanded."""
        for number in range(self._options.kills):
            time.sleep(self._random.uniform(0.0, 0.9))
            state = self._read_state()
            self._server.kill()
            state["kill"] = number + 1
            self._figures.kills.append(state)
            self._server.restart()
        return 0.0

    def _read_state(self) -> dict[str, Any]:
        row = self._server.postgres.fetch(
            "SELECT c.state, count(p.frozen_at) AS frozen_slots, count(p.expanded_at) AS expanded_slots, "
            "coalesce(sum(p.expanded), 0)::int8 AS messages "
            "FROM campaign AS c LEFT JOIN campaign_progress AS p ON p.campaign_id = c.id GROUP BY c.state"
        )[0]
        state = ("", "draft", "planned", "running", "paused", "finished", "cancelled")[row["state"]]
        doing = "ended"
        if state == "planned" or (state == "running" and row["frozen_slots"] < 256):
            doing = "freezing"
        elif state == "running":
            doing = "expanding" if row["expanded_slots"] < 256 else "sending"
        return {
            "state": state,
            "doing": doing,
            "frozen_slots": row["frozen_slots"],
            "expanded_slots": row["expanded_slots"],
            "messages": row["messages"],
        }

    def _wait_for_end(self) -> Any:
        """Until the campaign is finished and every message has ended, or is of unknown outcome."""
        progress, changed_at = -1, time.monotonic()
        while True:
            self._server.costs.look()
            counts = self._smsc.counts()
            done = self._server.postgres.count_finished()
            unknown = self._server.postgres.fetch(
                "SELECT coalesce(sum(messages), 0)::int8 FROM stat_hour WHERE state = 10"
            )[0][0]
            if done + unknown >= self._options.recipients and self._show()["state"] == "finished":
                return counts
            if done + unknown != progress:
                progress, changed_at = done + unknown, time.monotonic()
            elif time.monotonic() - changed_at > (
                _KILL_STILL_SECONDS if self._options.kills else _SILENCE_SECONDS
            ):
                raise BenchError(
                    f"nothing moves any more at {done:,} of {self._options.recipients:,}: {self._show()}"
                )
            time.sleep(_POLL_SECONDS * 5)

    def _show(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._server.admin.get(self._path)
        return shown


def _read_log(log: Path, figures: CampaignFigures) -> None:
    """Count at the sink: who got how many texts, and whether each text is its recipient's own."""
    texts: Counter[str] = Counter()
    with log.open(encoding="latin-1") as lines:
        for line in lines:
            _, destination, text = line.split(" ", 2)
            # In the GSM alphabet brackets are an escape and another character: 0x1b 0x3c and 0x1b 0x3e.
            if f"+{destination}" not in text:
                raise BenchError(f"a text to {destination} was written for somebody else: {text[:80]!r}")
            texts[destination] += 1
    figures.texts = texts.total()
    expected = {number_of(serial)[1:] for serial in range(figures.recipients)}
    if not texts.keys() <= expected:
        raise BenchError("texts went to numbers that are on no list")
    figures.recipients_once = sum(count == 1 for count in texts.values())
    figures.recipients_twice = sum(count > 1 for count in texts.values())
    figures.recipients_never = figures.recipients - len(texts)
