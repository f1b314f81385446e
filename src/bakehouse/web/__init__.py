"""The HTTP API and the pages. No business rules here."""
