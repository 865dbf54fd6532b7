"""Requests of the same kind that are the first of it, all at once."""

import subprocess
import sys

import pytest

# In a process of its own, for where the cure fails it is killed by SIGSEGV. Each form is read
# into for the first time by four threads, which take turns as often as they can.
READ = """
import os, sys, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "monitor.settings"
import django
django.setup()
from types import SimpleNamespace
from dmr.serializer import ContextField
from msgspec import convert, defstruct
from records.api import Serializer

def form():
    part = defstruct("Part", [(f"field_{place}", int) for place in range(20)])
    if sys.argv[1] == "bodies":
        return Serializer.build_context_model("Context", {"part": ContextField(part)}).model
    answer = defstruct("Answer", [("part", part)])
    told = SimpleNamespace(responses={200: SimpleNamespace(return_type=answer)})
    Serializer.optimizer.optimize_endpoint(told)
    return answer

def read(form, gate):
    gate.wait()
    convert({"part": {f"field_{place}": 1 for place in range(20)}}, form)

sys.setswitchinterval(1e-6)
for _ in range(200):
    args = form(), threading.Barrier(4)
    threads = [threading.Thread(target=read, args=args) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


class TestFirstRequests:
    @pytest.mark.parametrize("kind", ["bodies", "answers"])
    def test_threads_may_read_a_form_for_the_first_time_together(self, kind: str) -> None:
        ended = subprocess.run([sys.executable, "-c", READ, kind], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
