"""A network, nodes and an indexer that fail in every way they are known to, from a seed.

The chain itself stays right: these faults stand between it and those who ask it, or are things
that others do on it. `sandbox` is the way in, `fault` lists what can happen.
"""
