"""What deserves a person's attention. No decisions about money here."""
