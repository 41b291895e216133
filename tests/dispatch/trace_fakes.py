"""Chunks as sessions note them: a carrier's side of an exchange without a carrier."""

from itertools import count
from typing import Any

from gateway.config.carriers import IdConversion, IdFormConfig
from gateway.dispatch.trace import Chunk
from gateway.dispatch.trace_picking import CarrierForms, forms_of
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from tests.dispatch.carrier_fakes import make_config

NUMBER = "33639981234"
OTHER = "33639985678"


class Wire:
    """Notes what passes on one session of connector 1, a second apart."""

    def __init__(self, *, session_no: int = 1, bind_no: int = 1, connector_id: int = 1) -> None:
        self.chunks: list[Chunk] = []
        self._numbers = count(1)
        self._place = (connector_id, bind_no, "transceiver", session_no)
        self.now = 1_000.0

    def pass_by(self, is_sent: bool, *passed: pdus.Pdu) -> None:
        self.now += 1.0
        octets = b"".join(encode(pdu) for pdu in passed)
        self.chunks.append(Chunk(self.now, *self._place, is_sent, octets))

    def submit(self, to: str = NUMBER, text: bytes = b"hi", **fields: Any) -> int:
        number = next(self._numbers)
        fields = {"source_addr": b"SHOP", "destination_addr": to.encode(), "short_message": text, **fields}
        self.pass_by(True, pdus.SubmitSm(sequence_number=number, **fields))
        return number

    def answer(self, number: int, message_id: str = "", command_status: int = 0) -> None:
        self.pass_by(
            False,
            pdus.SubmitSmResp(
                sequence_number=number, message_id=message_id.encode(), command_status=command_status
            ),
        )

    def receipt(self, carrier_id: str, number: int, *, source: str = NUMBER) -> None:
        text = f"id:{carrier_id} stat:DELIVRD".encode()
        self.pass_by(
            False,
            pdus.DeliverSm(
                sequence_number=number, source_addr=source.encode(), esm_class=4, short_message=text
            ),
        )
        self.pass_by(True, pdus.DeliverSmResp(sequence_number=number))


def forms(**id_form: Any) -> dict[int, CarrierForms]:
    return {1: forms_of(make_config(id_form=IdFormConfig(**id_form)))}


HEX_RESPONSES = {"response": IdConversion.HEX_TO_DEC}
