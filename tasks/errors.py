"""Sorts error texts: into categories, and by what they share once numbers and ids are taken out."""


def category(text: str) -> str:
    return "unknown_error"


def fingerprint(text: str) -> str:
    return ""
