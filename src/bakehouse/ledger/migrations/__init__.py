"""How the ledger's schema came to be, step by step; run by `Ledger.open`."""
