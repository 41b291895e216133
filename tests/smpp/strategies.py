"""Random legal PDUs of every kind, made from the codec's own table of fields."""

from hypothesis import strategies as st

from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, FieldKind

sequence_numbers = st.integers(0, 0xFFFFFFFF)
tlvs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=4).map(tuple)


def values_of(field):
    if field.kind is FieldKind.OCTET:
        return st.integers(0, 255)
    octets = st.binary(max_size=field.most_octets)
    return octets if field.kind is FieldKind.MESSAGE else octets.map(lambda value: value.replace(b"\0", b"x"))


def pdus_of(layout):
    fields = {field.name: values_of(field) for field in layout.fields}
    fields["sequence_number"] = sequence_numbers
    if layout.has_tlvs:
        fields["tlvs"] = tlvs
    return st.builds(layout.pdu_type, **fields)


unknown_pdus = st.builds(
    pdus.UnknownPdu,
    command_id=st.integers(0x200, 0x7FFFFFFF),
    body=st.binary(max_size=30),
    command_status=st.integers(0, 0xFFFFFFFF),
    sequence_number=sequence_numbers,
)
any_pdu = st.one_of(*[pdus_of(layout) for layout in LAYOUTS.values()], unknown_pdus)
message_requests = st.one_of(
    *[pdus_of(LAYOUTS[command]) for command in (pdus.SubmitSm.command_id, pdus.DeliverSm.command_id)]
)
