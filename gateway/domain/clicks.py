"""Who opened a link: a person, or which kind of machine; and on which kind of device.

Owns the rules and their order. A machine's visit is kept and shown with its reason, and never counts as a
person. Knows no request and no table; whether an agent declares itself comes from a list that the caller has.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

TOO_SOON_SECONDS: Final = 2.0
"""Nobody reads a text and opens its link that soon after the carrier took it; its own filters do."""
UNDELIVERED_SECONDS: Final = 5.0
"""Nor that soon while no receipt says that the handset has it."""


class Verdict(IntEnum):
    """What a visit is taken for. Stored; never renumber."""

    PERSON = 0
    DECLARED = 1
    """The agent says that it is a crawler, a library or a scanner."""
    NO_AGENT = 2
    """No agent at all, which no browser does."""
    PREVIEW = 3
    """A messenger drew a preview of the link: WhatsApp, iMessage, Facebook and their like."""
    PREFETCH = 4
    """A browser fetched ahead, before anyone opened the link."""
    HEAD = 5
    """Asked where the link leads and did not go there."""
    TOO_SOON = 6
    """Before a person could have read the text."""
    BURST = 7
    """Many codes from one address within a minute, or one code again and again within seconds."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Device(IntEnum):
    """What a link was opened on. Stored; never renumber."""

    UNKNOWN = 0
    PHONE = 1
    TABLET = 2
    DESKTOP = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What a User-Agent says by itself."""

    verdict: Verdict
    device: Device


# Messengers that fetch a link to draw its preview. iMessage calls itself Facebook's and Twitter's at once.
_PREVIEWERS: Final = re.compile(
    r"whatsapp/|facebookexternalhit|facebot|twitterbot|telegrambot|slackbot|slack-imgproxy|discordbot"
    r"|skypeuripreview|viber/|linkedinbot|snapchat url preview|bingpreview|google-pagerenderer|line-poker"
    r"|kakaotalk-scrap|vkshare|iframely|embedly|microsoftpreview|cardyb|mastodon/",
    re.IGNORECASE,
)
# People inside an application's own browser, whose agents carry words that lists of crawlers know.
_IN_APP: Final = re.compile(
    r"\[FBAN/|\[FB_IAB/|\bInstagram \d|\bFBAV/|\bSnapchat/\d|musical_ly|BytedanceWebview"
)
_TABLET: Final = re.compile(r"iPad|Tablet|PlayBook|Silk/|Kindle|SM-T\d|Android(?!.*Mobile)", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"iPhone|iPod|Mobile|Android|Windows Phone|BlackBerry|Opera Mini|KAIOS|SymbianOS|J2ME", re.IGNORECASE
)
_DESKTOP: Final = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux x86_64")


def read_agent(agent: str, *, is_listed: bool) -> AgentFacts:
    """What to make of a User-Agent. `is_listed`: a list of crawlers knows it."""
    if not agent.strip():
        return AgentFacts(Verdict.NO_AGENT, Device.UNKNOWN)
    if _IN_APP.search(agent):
        return AgentFacts(Verdict.PERSON, device_of(agent))
    if _PREVIEWERS.search(agent):
        return AgentFacts(Verdict.PREVIEW, Device.UNKNOWN)
    if is_listed:
        return AgentFacts(Verdict.DECLARED, Device.UNKNOWN)
    return AgentFacts(Verdict.PERSON, device_of(agent))


def device_of(agent: str) -> Device:
    """The kind of device. An iPad that asks for desktop pages calls itself a Macintosh: a desktop, then."""
    if _TABLET.search(agent):
        return Device.TABLET
    if _PHONE.search(agent):
        return Device.PHONE
    return Device.DESKTOP if _DESKTOP.search(agent) else Device.UNKNOWN


def judge_visit(agent: AgentFacts, *, is_head: bool, is_prefetch: bool) -> Verdict:
    """What a single visit is by what it brings, the plainest reason first. Bursts are seen over many visits,
    and timing is judged by `judge_timing`."""
    if agent.verdict is not Verdict.PERSON:
        return agent.verdict
    if is_prefetch:
        return Verdict.PREFETCH
    return Verdict.HEAD if is_head else Verdict.PERSON


def judge_timing(verdict: Verdict, *, seconds_since_sent: float | None, is_delivered: bool) -> Verdict:
    """What a visit is by when it comes. `seconds_since_sent` None: its message is no longer kept."""
    if verdict is not Verdict.PERSON or seconds_since_sent is None:
        return verdict
    soonest = TOO_SOON_SECONDS if is_delivered else UNDELIVERED_SECONDS
    return Verdict.TOO_SOON if seconds_since_sent < soonest else Verdict.PERSON
