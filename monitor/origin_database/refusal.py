class Refused(Exception):
    """A database that is not imported: one line with what is wrong, where, and what to do."""
