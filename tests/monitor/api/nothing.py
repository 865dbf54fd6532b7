"""What the API answers where there is nothing."""

NOTHING = dict.fromkeys(
    ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"), 0
)


NOBODY = {
    "total_cost": 0,
    "total_requests": 0,
    "recent_hours": 24,
    "recent_requests": 0,
    "recent_cost": 0,
    "model_breakdown": {},
}
NO_TASKS = {
    "total_tasks": 0,
    "by_status": dict.fromkeys(("pending", "running", "stopped", "failed", "completed"), 0),
    "success_rate": 0,
    "recent_24h": {"total": 0, "completed": 0, "failed": 0, "tasks": []},
}
NO_CALLS = {
    "time_window_hours": 24,
    "total_tool_calls": 0,
    "tools_breakdown": {},
    "most_used_tools": [],
    "agent_status": {"total_status_changes": 0, "by_status": {}, "recent_changes": []},
}
