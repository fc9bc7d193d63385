"""What proves how data was handled: the log, its evidence, alarms, and files handed out.

Every wing may write to the log; nothing here changes jobs, people or sellers.
"""
