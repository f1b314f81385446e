"""What people look at and decide: once, for pages, API and command line alike.

Plain functions on ledger, payments and schedules. No HTTP here, and no arithmetic of money.
"""
