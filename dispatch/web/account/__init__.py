"""What a person does with their own account: log in, second factor, sessions, settings, lock.

Rules are in `dispatch.services.access`; here they meet requests and sessions.
"""
