import pytest

from gateway.simulator.addresses import NumberForm
from gateway.simulator.profile import AddressForm, AddressRules


@pytest.mark.parametrize(
    ("reads", "writes", "came", "written"),
    [
        ("any", "any", "+33612345678", "+33612345678"),
        ("any", "plus", "33612345678", "+33612345678"),
        ("plus", "zeros", "+33612345678", "0033612345678"),
        ("national", "national", "0612345678", "0612345678"),
        ("national", "digits", "0612345678", "33612345678"),
        ("digits", "national", "33612345678", "0612345678"),
        ("digits", "national", "447700900123", "447700900123"),
        ("any", "plus", "BOUTIQUE", "BOUTIQUE"),
        ("any", "plus", "36180", "36180"),
    ],
)
def test_numbers_are_written_in_the_form_of_the_profile(
    reads: str, writes: str, came: str, written: str
) -> None:
    form = NumberForm(AddressRules(reads=AddressForm(reads), writes=AddressForm(writes)))
    assert form.write(came.encode()) == written.encode()
