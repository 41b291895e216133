"""Bodies for the load generator: with the request's number put in, every recipient of a run is distinct."""

import json
from pathlib import Path

import pytest

from bench.acceptance import _request_digits, _write_bodies
from gateway.domain.phone import normalise_number


@pytest.mark.parametrize("batch", [0, 1, 4, 5, 100, 1000, 10_000])
def test_recipients_are_valid_and_distinct_over_items_and_requests(tmp_path: Path, batch: int) -> None:
    digits = _request_digits(batch)
    numbers: list[str] = []
    bodies = _write_bodies(tmp_path, batch)
    for request in range(8):
        text = bodies[request % len(bodies)].read_text().replace("@N@", f"{request:0{digits}d}")
        document = json.loads(text)
        numbers += [item["to"] for item in (document["messages"] if batch else [document])]
    assert len(numbers) == 8 * max(1, batch)
    assert len(set(numbers)) == len(numbers)
    assert all(normalise_number(number) for number in numbers[:400])
