"""What can go wrong with SMPP, by what the caller must do.

    SmppError
    ├── RuleBroken      we were about to break the protocol: a bug, or a value that should have been checked
    earlier │   ├── TextTooLong         more than 255 parts
    │   └── TextNotEncodable    the text has no form in the alphabet asked for
    └── PeerFault       the other side broke it
        ├── BadPdu      one PDU is wrong: answer its error status, the session lives on
        └── StreamLost  PDU borders are lost: close, reconnect

Hostile bytes raise `BadPdu` and `StreamLost` and nothing else.
"""

from gateway.errors import EstafetteError
from gateway.smpp.constants import CommandId
from gateway.smpp.statuses import CommandStatus, name_status


class SmppError(EstafetteError):
    """Something about SMPP went wrong."""


class RuleBroken(SmppError):
    """What we were asked to send or do is against the specification. Nothing was sent."""


class TextTooLong(RuleBroken):
    """A text needs more parts than one message can have. 3GPP TS 23.040 §9.2.3.24.1 counts them in one
    octet.
    """

    def __init__(self, parts: int, *, most: int) -> None:
        super().__init__(f"the text needs {parts} parts and a message has at most {most}; shorten it")
        self.parts = parts
        self.most = most


class TextNotEncodable(RuleBroken):
    """Characters of a text have no form in the alphabet. `characters` are the distinct ones, in order."""

    def __init__(self, characters: tuple[str, ...], alphabet: str) -> None:
        shown = " ".join(f"U+{ord(character):04X}" for character in characters[:8])
        super().__init__(
            f"{alphabet} has no form for {shown}; replace these characters or allow another alphabet"
        )
        self.characters = characters
        self.alphabet = alphabet


class PeerFault(SmppError):
    """The other side broke the protocol."""


class BadPdu(PeerFault):
    """One well-framed PDU that cannot be understood. Answer `command_status`; never close for it."""

    def __init__(self, what: str, *, command_id: int, sequence_number: int, command_status: int) -> None:
        super().__init__(
            f"{name_command(command_id)} {sequence_number}: {what}: answer {name_status(command_status)}"
        )
        self.command_id = command_id
        self.sequence_number = sequence_number
        self.command_status = command_status


class StreamLost(PeerFault):
    """The borders between PDUs are lost, so no later byte can be trusted."""

    def __init__(self, command_length: int, *, most: int) -> None:
        super().__init__(
            f"command_length {command_length} (0x{command_length:08x}) is outside 16..{most}"
            f"{_recognise(command_length)}; the connection must be closed and opened again"
        )
        self.command_length = command_length
        self.command_status = CommandStatus.ESME_RINVCMDLEN.value


def _recognise(command_length: int) -> str:
    """What a peer probably speaks whose first octets were taken for a length, as the end of a clause."""
    if command_length >> 16 in (0x1503, 0x1603):  # a TLS alert or handshake, RFC 8446 §5.1
        return ": the peer speaks TLS here"
    if command_length == 0x48545450:
        return ": the peer speaks HTTP"
    return ""


def name_command(command_id: int) -> str:
    """The specification's name of a command, or its number in hex when there is none."""
    try:
        return CommandId(command_id).name.lower()
    except ValueError:
        return f"command 0x{command_id:08x}"
