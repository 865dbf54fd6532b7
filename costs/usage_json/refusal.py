class Refused(Exception):
    """A file that is not imported: one line with what is wrong, where, and what to do."""
