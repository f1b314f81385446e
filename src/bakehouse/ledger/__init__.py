"""The truth: tables, states and their legal transitions, one repository per aggregate. No HTTP and no job engine here."""
