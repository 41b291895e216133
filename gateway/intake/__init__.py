"""Taking a message in: validate, normalise, consent, route, price, encode; then one durable write.

Knows shops, terms and rows; refuses to know HTTP, PDUs and what happens after acceptance.
"""
