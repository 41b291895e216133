"""The numbers of SMPP 3.4: commands, address types, esm_class bits, data codings and TLV tags.

Names are the specification's. This file holds no behaviour; `command_status` values live in `statuses.py`.
Members are ints, so the hot path compares plain numbers and never builds an enum from the wire.
"""

from enum import IntEnum
from typing import Final

HEADER_OCTETS: Final = 16
RESPONSE_BIT: Final = 0x80000000
INTERFACE_VERSION_34: Final = 0x34

MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
"""SMPP 3.4 §3.2: 1..7fffffff are legal to send. Peers use up to ffffffff, which we only ever echo."""

MAX_SHORT_MESSAGE_OCTETS: Final = 254
"""SMPP 3.4 §5.2.22. `sm_length` is one octet and 255 is reserved."""


class CommandId(IntEnum):
    """SMPP 3.4 §5.1.2.1. A response is its request with the top bit set."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


class Ton(IntEnum):
    """Type of number, SMPP 3.4 §5.2.5."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER_NUMBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6


class Npi(IntEnum):
    """Numbering plan indicator, SMPP 3.4 §5.2.6."""

    UNKNOWN = 0
    ISDN = 1
    DATA = 3
    TELEX = 4
    LAND_MOBILE = 6
    NATIONAL = 8
    PRIVATE = 9
    ERMES = 10
    INTERNET = 14
    WAP_CLIENT_ID = 18


class EsmClass(IntEnum):
    """Bits of `esm_class`, SMPP 3.4 §5.2.12. The type of a `deliver_sm` is `esm_class & TYPE_MASK`."""

    DEFAULT = 0x00
    TYPE_MASK = 0x3C
    RECEIPT = 0x04
    DELIVERY_ACKNOWLEDGEMENT = 0x08
    USER_ACKNOWLEDGEMENT = 0x10
    CONVERSATION_ABORT = 0x18
    INTERMEDIATE_NOTIFICATION = 0x20
    UDHI = 0x40
    REPLY_PATH = 0x80


class RegisteredDelivery(IntEnum):
    """SMPP 3.4 §5.2.17, the receipt bits."""

    NONE = 0
    FINAL_OUTCOME = 1
    FAILURE_ONLY = 2


class DataCoding(IntEnum):
    """SMPP 3.4 §5.2.19, the values with a meaning of their own here."""

    SMSC_DEFAULT = 0x00
    ASCII = 0x01
    BINARY_ALIAS = 0x02
    LATIN1 = 0x03
    BINARY = 0x04
    UCS2 = 0x08


class Tag(IntEnum):
    """TLV tags, SMPP 3.4 §5.3.2, those that we read or write by name. Others pass through as numbers."""

    RECEIPTED_MESSAGE_ID = 0x001E
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    USER_MESSAGE_REFERENCE = 0x0204
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    DELIVERY_FAILURE_REASON = 0x0425
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427
