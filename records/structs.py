"""Structs that are read by several threads at once."""

from __future__ import annotations

from typing import TypeVar

from msgspec import json

Form = TypeVar("Form")


def built(form: type[Form]) -> type[Form]:
    """The same type, ready to be read into by any thread.

    msgspec 0.22 works out what a type holds when it is first read into, and whoever reads into
    it meanwhile, or into a part of it, takes what is half worked out and crashes the process.
    Here that is done while the module is loaded, which one thread does.
    """
    json.Decoder(form)
    return form
