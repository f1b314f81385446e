"""The arithmetic of payouts: integers in, integers out. No I/O, clocks, async or floats here."""
