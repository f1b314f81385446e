"""The four queues, their processors, the schedules and the embedded server.

No SQL and no pages here.
"""
