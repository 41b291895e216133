"""SMPP 3.4 without I/O: bytes to PDUs and back, texts to parts, receipts to states, session rules and
timers.
"""
