"""A simulated node and indexer over HTTP, as strict as the real ones.

For the demo and for tests only.
"""
