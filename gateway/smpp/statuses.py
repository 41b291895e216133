"""Every `command_status` of SMPP 3.4 §5.1.3, its name and a sentence for a person.

This file says what a status means, not what to do about it: retry rules belong to the connector's table.
"""

from enum import IntEnum
from typing import Final


class CommandStatus(IntEnum):
    """SMPP 3.4 §5.1.3. Vendors add their own, mostly 400–4ff; those stay plain numbers."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RINVPRTFLG = 0x06
    ESME_RINVREGDLVFLG = 0x07
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RCANCELFAIL = 0x11
    ESME_RREPLACEFAIL = 0x13
    ESME_RMSGQFUL = 0x14
    ESME_RINVSERTYP = 0x15
    ESME_RINVNUMDESTS = 0x33
    ESME_RINVDLNAME = 0x34
    ESME_RINVDESTFLAG = 0x40
    ESME_RINVSUBREP = 0x42
    ESME_RINVESMCLASS = 0x43
    ESME_RCNTSUBDL = 0x44
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSRCTON = 0x48
    ESME_RINVSRCNPI = 0x49
    ESME_RINVDSTTON = 0x50
    ESME_RINVDSTNPI = 0x51
    ESME_RINVSYSTYP = 0x53
    ESME_RINVREPFLAG = 0x54
    ESME_RINVNUMMSGS = 0x55
    ESME_RTHROTTLED = 0x58
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVDFTMSGID = 0x63
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RQUERYFAIL = 0x67
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_ROPTPARNOTALLWD = 0xC1
    ESME_RINVPARLEN = 0xC2
    ESME_RMISSINGOPTPARAM = 0xC3
    ESME_RINVOPTPARAMVAL = 0xC4
    ESME_RDELIVERYFAILURE = 0xFE
    ESME_RUNKNOWNERR = 0xFF


_SENTENCES: Final[dict[int, str]] = {
    CommandStatus.ESME_ROK: "No error.",
    CommandStatus.ESME_RINVMSGLEN: "The message length is not valid.",
    CommandStatus.ESME_RINVCMDLEN: "The length of the PDU is not valid.",
    CommandStatus.ESME_RINVCMDID: "The other side does not support this command.",
    CommandStatus.ESME_RINVBNDSTS: "The session is not bound, or bound in a way that forbids this command.",
    CommandStatus.ESME_RALYBND: "The account is already bound; the other side may still hold an old session.",
    CommandStatus.ESME_RINVPRTFLG: "The priority flag is not valid.",
    CommandStatus.ESME_RINVREGDLVFLG: "The request for a receipt is not valid.",
    CommandStatus.ESME_RSYSERR: "The SMSC has an internal error.",
    CommandStatus.ESME_RINVSRCADR: "The sender address is not valid or not allowed for this account.",
    CommandStatus.ESME_RINVDSTADR: "The destination address is not valid.",
    CommandStatus.ESME_RINVMSGID: "The message id is not known to the SMSC.",
    CommandStatus.ESME_RBINDFAIL: "The bind failed: account refused.",
    CommandStatus.ESME_RINVPASWD: "The bind failed: wrong password.",
    CommandStatus.ESME_RINVSYSID: "The bind failed: unknown system_id.",
    CommandStatus.ESME_RCANCELFAIL: "The message could not be cancelled.",
    CommandStatus.ESME_RREPLACEFAIL: "The message could not be replaced.",
    CommandStatus.ESME_RMSGQFUL: "The message queue of the SMSC, or of this subscriber, is full.",
    CommandStatus.ESME_RINVSERTYP: "The service_type is not valid for this account.",
    CommandStatus.ESME_RINVNUMDESTS: "The number of destinations is not valid.",
    CommandStatus.ESME_RINVDLNAME: "The distribution list does not exist.",
    CommandStatus.ESME_RINVDESTFLAG: "The destination flag of a multiple submit is not valid.",
    CommandStatus.ESME_RINVSUBREP: "Replacing a message that is still pending is not allowed here.",
    CommandStatus.ESME_RINVESMCLASS: "The esm_class is not valid.",
    CommandStatus.ESME_RCNTSUBDL: "The SMSC cannot send to this distribution list.",
    CommandStatus.ESME_RSUBMITFAIL: "The SMSC refused the message without saying why.",
    CommandStatus.ESME_RINVSRCTON: "The type of number (TON) of the sender is not valid.",
    CommandStatus.ESME_RINVSRCNPI: "The numbering plan (NPI) of the sender is not valid.",
    CommandStatus.ESME_RINVDSTTON: "The type of number (TON) of the destination is not valid.",
    CommandStatus.ESME_RINVDSTNPI: "The numbering plan (NPI) of the destination is not valid.",
    CommandStatus.ESME_RINVSYSTYP: "The system_type is not the one the SMSC expects.",
    CommandStatus.ESME_RINVREPFLAG: "The replace_if_present_flag is not valid.",
    CommandStatus.ESME_RINVNUMMSGS: "The number of messages is not valid.",
    CommandStatus.ESME_RTHROTTLED: "Too fast: the account is over its allowed messages per second.",
    CommandStatus.ESME_RINVSCHED: "The scheduled delivery time is not valid.",
    CommandStatus.ESME_RINVEXPIRY: "The validity period is not valid, or already past by the SMSC's clock.",
    CommandStatus.ESME_RINVDFTMSGID: "The predefined message does not exist.",
    CommandStatus.ESME_RX_T_APPN: "The receiver has a temporary error; the same PDU may be sent again.",
    CommandStatus.ESME_RX_P_APPN: "The receiver has a permanent error.",
    CommandStatus.ESME_RX_R_APPN: "The receiver rejected the message.",
    CommandStatus.ESME_RQUERYFAIL: "The message could not be queried.",
    CommandStatus.ESME_RINVOPTPARSTREAM: "The optional part of the PDU is malformed.",
    CommandStatus.ESME_ROPTPARNOTALLWD: "An optional parameter is not allowed here.",
    CommandStatus.ESME_RINVPARLEN: "A parameter has a wrong length.",
    CommandStatus.ESME_RMISSINGOPTPARAM: "An expected optional parameter is missing.",
    CommandStatus.ESME_RINVOPTPARAMVAL: "An optional parameter has a value that is not valid.",
    CommandStatus.ESME_RDELIVERYFAILURE: "The delivery failed.",
    CommandStatus.ESME_RUNKNOWNERR: "The other side has an error it does not name.",
}

_NAMES: Final[dict[int, str]] = {status.value: status.name for status in CommandStatus}


def is_standard_status(command_status: int) -> bool:
    """Whether the specification names it."""
    return command_status in _NAMES


def name_status(command_status: int) -> str:
    """The specification's name, or the number in hex for a reserved or vendor status."""
    return _NAMES.get(command_status) or f"0x{command_status:08x}"


def write_status(command_status: int) -> str:
    """The number as carriers' manuals have it: `0x58`."""
    return f"0x{command_status:02x}"


def label_status(command_status: int) -> str:
    """Number and name, for manuals know one or the other; a vendor's status has its number alone."""
    name = _NAMES.get(command_status)
    return write_status(command_status) if name is None else f"{write_status(command_status)} {name}"


def describe_status(command_status: int) -> str:
    """One sentence that an operator understands. Unknown numbers keep their value, to look up with the
    carrier.
    """
    if sentence := _SENTENCES.get(command_status):
        return sentence
    if 0x400 <= command_status <= 0x4FF:
        return f"The carrier's own error 0x{command_status:x}; its documentation says what it means."
    return f"Error 0x{command_status:x}, which SMPP 3.4 does not define; ask the carrier what it means."
