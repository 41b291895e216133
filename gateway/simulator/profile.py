"""The whole of a simulator profile, and the door to the families of its keys.

Each family stands in a file of its own, with types, bounds, defaults and meanings; the texts below the
fields are what `docs/simulator.md` repeats. Nothing here reads a file or acts on a value. An absent key means
its default, and the defaults alone are a fast SMSC that delivers everything.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gateway.simulator.profile_receipts import (
    Outcome,
    ReceiptBind,
    ReceiptForm,
    ReceiptRules,
    ReceiptsPer,
    ReceiptText,
)
from gateway.simulator.profile_sessions import Account, BindMode, BindRules, FaultRules, WireRules
from gateway.simulator.profile_submits import (
    AcceptanceRules,
    Answer,
    IdForm,
    IdRules,
    ResponseBody,
    SubmitRules,
    ValidityForm,
)
from gateway.simulator.profile_texts import AddressForm, AddressRules, Charset, OctetOrder, TextRules
from gateway.simulator.profile_values import Range

__all__ = [
    "AcceptanceRules",
    "Account",
    "AddressForm",
    "AddressRules",
    "Answer",
    "BindMode",
    "BindRules",
    "Charset",
    "FaultRules",
    "IdForm",
    "IdRules",
    "OctetOrder",
    "Outcome",
    "Profile",
    "Range",
    "ReceiptBind",
    "ReceiptForm",
    "ReceiptRules",
    "ReceiptText",
    "ReceiptsPer",
    "ResponseBody",
    "SubmitRules",
    "TextRules",
    "ValidityForm",
    "WireRules",
]


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one simulated SMSC behaves."""

    description: Annotated[str, Meta(max_length=500)] = ""
    """What this profile is for, in a sentence."""
    bind: BindRules = BindRules()
    """Who may bind, and how."""
    wire: WireRules = WireRules()
    """What happens to octets on their way to the client."""
    submit: SubmitRules = SubmitRules()
    """What a submit is answered, and when."""
    accepts: AcceptanceRules = AcceptanceRules()
    """Which submits are refused for their form."""
    ids: IdRules = IdRules()
    """How ids look."""
    texts: TextRules = TextRules()
    """What the octets of a text mean."""
    addresses: AddressRules = AddressRules()
    """How numbers are written."""
    receipts: ReceiptRules = ReceiptRules()
    """Which receipts come, when, where and in which form."""
    faults: FaultRules = FaultRules()
    """What goes wrong by itself."""
    magic_numbers: bool = True
    """Whether the documented test numbers decide what happens to their messages, whatever the rest says."""
