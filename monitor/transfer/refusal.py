class Refused(Exception):
    """Nothing is copied; the text says in one line why."""
