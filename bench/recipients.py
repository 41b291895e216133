"""Who the messages of a measurement go to: distinct valid mobile numbers of four countries, and their texts.

The numbers may belong to people, so they are sent to an SMSC on this machine and to nothing else.
"""

import json
from collections.abc import Iterator

from gateway.domain.identifiers import slot_of_address

COUNTRIES = ("FR", "IT", "RO", "SN")
NUMBER_FORMS = ("+336{:08d}", "+39347{:07d}", "+4072{:07d}", "+22177{:07d}")
MOST_RECIPIENTS = 4 * 10_000_000

_SINGLE_TEXT = (
    "Bonjour, votre commande {serial:08d} est en route. Suivez-la dans votre espace client. Merci !"
)
_PART_CHARACTERS = 153
"""Of the GSM alphabet in one part of several, beside a header of 6 octets: 3GPP TS 23.040 §9.2.3.24.1."""
_FILLING = " abcdefghijklmnopqrstuvwxyz"


def number_of(serial: int) -> str:
    return NUMBER_FORMS[serial % 4].format(serial // 4)


def text_of(serial: int, parts: int) -> str:
    """A text that fills `parts` SMS and carries its serial, so that no two are equal."""
    text = _SINGLE_TEXT.format(serial=serial)
    if parts == 1:
        return text
    length = _PART_CHARACTERS * (parts - 1) + 80
    return (text + _FILLING * (length // len(_FILLING) + 1))[:length]


def batches(messages: int, *, parts: int, batch_size: int) -> Iterator[bytes]:
    """Bodies for `POST /v1/messages/batch` that hold `messages` in all."""
    for first in range(0, messages, batch_size):
        items = [
            {"to": number_of(serial), "from": "ESTAFETTE", "text": text_of(serial, parts)}
            for serial in range(first, min(first + batch_size, messages))
        ]
        yield json.dumps({"messages": items}).encode()


def count_slots(messages: int) -> int:
    """How many of the 256 slots the numbers fall into; all of them within some thousand numbers."""
    return len({slot_of_address(number_of(serial)[1:]) for serial in range(min(messages, 20_000))})
