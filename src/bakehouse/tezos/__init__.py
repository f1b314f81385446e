"""The chain as we see it: clients, addresses, encodings, fees, signers.

No SQL and no job engine here.
"""
