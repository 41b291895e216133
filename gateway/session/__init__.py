"""SMPP sessions over asyncio: one connection (`session`), one kept bind (`bind`), one listening port
(`listener`).
"""
