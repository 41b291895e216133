"""Every PDU as a value, fields in wire order and in the specification's spelling. SMPP 3.4 §4.

Owns names and defaults. Refuses to know how fields are laid out (`codec.py`) and which PDU is allowed when
(`rules.py`). Strings stay octets: what they mean is the carrier's business.

Treat PDUs as immutable. They are not declared frozen because building a frozen one of these costs 1.3 µs and
a plain one 0.13 µs, and one is built per received message.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from gateway.smpp.constants import INTERFACE_VERSION_34, CommandId

Tlvs: TypeAlias = tuple[tuple[int, bytes], ...]
"""Optional parameters as (tag, value) in wire order, repeated and unknown ones included."""


def find_tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first TLV with `tag`, or None."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None


@dataclass(slots=True)
class BindRequest:
    """The fields that the three binds share. §4.1"""

    system_id: bytes = b""
    password: bytes = b""
    system_type: bytes = b""
    interface_version: int = INTERFACE_VERSION_34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: bytes = b""
    sequence_number: int = 0

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(system_id={self.system_id!r}, password=***, seq={self.sequence_number})"
        )


@dataclass(slots=True, repr=False)
class BindTransmitter(BindRequest):
    """Bind to send only. §4.1.1"""

    command_id: ClassVar[int] = CommandId.BIND_TRANSMITTER.value


@dataclass(slots=True, repr=False)
class BindReceiver(BindRequest):
    """Bind to receive only. §4.1.3"""

    command_id: ClassVar[int] = CommandId.BIND_RECEIVER.value


@dataclass(slots=True, repr=False)
class BindTransceiver(BindRequest):
    """Bind for both. §4.1.5"""

    command_id: ClassVar[int] = CommandId.BIND_TRANSCEIVER.value


@dataclass(slots=True)
class BindResponse:
    """The fields that the three bind responses share. §4.1.2"""

    system_id: bytes = b""
    tlvs: Tlvs = ()
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class BindTransmitterResp(BindResponse):
    """§4.1.2"""

    command_id: ClassVar[int] = CommandId.BIND_TRANSMITTER_RESP.value


@dataclass(slots=True)
class BindReceiverResp(BindResponse):
    """§4.1.4"""

    command_id: ClassVar[int] = CommandId.BIND_RECEIVER_RESP.value


@dataclass(slots=True)
class BindTransceiverResp(BindResponse):
    """§4.1.6"""

    command_id: ClassVar[int] = CommandId.BIND_TRANSCEIVER_RESP.value


@dataclass(slots=True)
class Outbind:
    """An SMSC asks an ESME to bind as receiver; has no response. §4.1.7"""

    command_id: ClassVar[int] = CommandId.OUTBIND.value
    system_id: bytes = b""
    password: bytes = b""
    sequence_number: int = 0

    def __repr__(self) -> str:
        return f"Outbind(system_id={self.system_id!r}, password=***, seq={self.sequence_number})"


@dataclass(slots=True)
class MessageRequest:
    """The fields that submit_sm and deliver_sm share. §4.4.1, §4.6.1"""

    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = ()
    sequence_number: int = 0


@dataclass(slots=True)
class SubmitSm(MessageRequest):
    """ESME to SMSC: send this. §4.4.1"""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM.value


@dataclass(slots=True)
class DeliverSm(MessageRequest):
    """SMSC to ESME: a received message or a receipt. §4.6.1"""

    command_id: ClassVar[int] = CommandId.DELIVER_SM.value


@dataclass(slots=True)
class MessageResponse:
    """The fields that the responses to messages share."""

    message_id: bytes = b""
    tlvs: Tlvs = ()
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class SubmitSmResp(MessageResponse):
    """The SMSC took the message under `message_id`, or says why not. §4.4.2"""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM_RESP.value


@dataclass(slots=True)
class DeliverSmResp(MessageResponse):
    """`message_id` is unused and empty. §4.6.2"""

    command_id: ClassVar[int] = CommandId.DELIVER_SM_RESP.value


@dataclass(slots=True)
class DataSm:
    """A message either way, its text in message_payload. §4.7.1"""

    command_id: ClassVar[int] = CommandId.DATA_SM.value
    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Tlvs = ()
    sequence_number: int = 0


@dataclass(slots=True)
class DataSmResp(MessageResponse):
    """§4.7.2"""

    command_id: ClassVar[int] = CommandId.DATA_SM_RESP.value


@dataclass(slots=True)
class QuerySm:
    """Ask for the state of a submitted message. §4.8.1"""

    command_id: ClassVar[int] = CommandId.QUERY_SM.value
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    sequence_number: int = 0


@dataclass(slots=True)
class QuerySmResp:
    """§4.8.2"""

    command_id: ClassVar[int] = CommandId.QUERY_SM_RESP.value
    message_id: bytes = b""
    final_date: bytes = b""
    message_state: int = 0
    error_code: int = 0
    tlvs: Tlvs = ()
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class CancelSm:
    """Withdraw a submitted message that is still pending. §4.9.1"""

    command_id: ClassVar[int] = CommandId.CANCEL_SM.value
    service_type: bytes = b""
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    sequence_number: int = 0


@dataclass(slots=True)
class CancelSmResp:
    """§4.9.2"""

    command_id: ClassVar[int] = CommandId.CANCEL_SM_RESP.value
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class ReplaceSm:
    """Change a submitted message that is still pending. §4.10.1"""

    command_id: ClassVar[int] = CommandId.REPLACE_SM.value
    message_id: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    sequence_number: int = 0


@dataclass(slots=True)
class ReplaceSmResp:
    """§4.10.2"""

    command_id: ClassVar[int] = CommandId.REPLACE_SM_RESP.value
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class EnquireLink:
    """Are you there? Either side may ask. §4.11.1"""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK.value
    sequence_number: int = 0


@dataclass(slots=True)
class EnquireLinkResp:
    """§4.11.2"""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK_RESP.value
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class AlertNotification:
    """A subscriber can be reached again; has no response. §4.12.1"""

    command_id: ClassVar[int] = CommandId.ALERT_NOTIFICATION.value
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: bytes = b""
    tlvs: Tlvs = ()
    sequence_number: int = 0


@dataclass(slots=True)
class Unbind:
    """Either side ends the session in order. §4.2.1"""

    command_id: ClassVar[int] = CommandId.UNBIND.value
    sequence_number: int = 0


@dataclass(slots=True)
class UnbindResp:
    """§4.2.2"""

    command_id: ClassVar[int] = CommandId.UNBIND_RESP.value
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class GenericNack:
    """The request with this number could not even be understood; 0 when it had none. §4.3.1"""

    command_id: ClassVar[int] = CommandId.GENERIC_NACK.value
    command_status: int = 0
    sequence_number: int = 0


@dataclass(slots=True)
class UnknownPdu:
    """A well-framed PDU with a command_id that we do not know, kept raw."""

    command_id: int
    body: bytes = b""
    command_status: int = 0
    sequence_number: int = 0


Request: TypeAlias = (
    BindTransmitter
    | BindReceiver
    | BindTransceiver
    | Outbind
    | SubmitSm
    | DeliverSm
    | DataSm
    | QuerySm
    | CancelSm
    | ReplaceSm
    | EnquireLink
    | AlertNotification
    | Unbind
)
Response: TypeAlias = (
    BindTransmitterResp
    | BindReceiverResp
    | BindTransceiverResp
    | SubmitSmResp
    | DeliverSmResp
    | DataSmResp
    | QuerySmResp
    | CancelSmResp
    | ReplaceSmResp
    | EnquireLinkResp
    | UnbindResp
    | GenericNack
)
Pdu: TypeAlias = Request | Response | UnknownPdu
