"""Bringing a list in: a shop's file of people, read by a process of its own and merged slot by slot.

Owns what a file may look like, what its columns mean and which rows are refused. Reading has no effect on
people; merging begins when the whole file was read. Knows neither HTTP nor what a campaign does with people.
"""
