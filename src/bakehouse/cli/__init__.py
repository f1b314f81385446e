"""The command line: reads arguments, calls the rooms below, prints. No business rules here."""
