"""Attacks: mutated records, hostile requests, killed processes, full disks, threads.

Sized for CI; `scripts/test tests/attack --attack N` makes N times as many trials.
"""
