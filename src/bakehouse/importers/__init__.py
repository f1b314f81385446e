"""Moving in from another tool: its files are read, held against the chain, and entered once.

Readers are pure; `chain` asks the indexer, `writing` alone touches the ledger. Nothing is paid.
"""
