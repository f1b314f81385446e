"""Settings as a file: written out, compared with the ledger, and taken over, all or nothing."""
