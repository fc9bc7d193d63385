"""What all screens share: the frame, navigation, errors, forms, files, times and the guards.

Nothing here belongs to one screen only.
"""
