"""What may be done to a task from outside, by a person or a program; each answers in words."""

from __future__ import annotations

from tasks.models import Task
from tasks.processes import ask_to_end, is_here


def stop(task: Task, by: str = "") -> str:
    """Stop the task, then ask its process to end. The words say whether that could be asked.

    Raises Task.NotAllowed unless it is pending or running.
    """
    task.stop(by=by)
    if ask_to_end(task):
        return f"Task {task.id} is stopped, and its process was asked to end."
    where = "was not found" if is_here(task) else "is not known on this host"
    return f"Task {task.id} is stopped. Its process {where}, so it was not asked to end."


def mark_fixed(task: Task, by: str = "") -> str:
    """Let a failure count as completed. Raises Task.NotAllowed unless it failed."""
    task.mark_fixed(by=by)
    return f"Task {task.id} is marked fixed and counts as completed."
