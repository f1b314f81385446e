"""The truth: tables, states, their legal transitions, and one repository per aggregate.

No HTTP and no job engine here.
"""
