"""Moving money exactly once: plan, guard, sign, store, inject, confirm, settle.

No job engine and no web here.
"""
