"""Bakehouse pays the delegators and bond-pool members of Tezos bakers, exactly once."""

__version__ = "0.1.0"
