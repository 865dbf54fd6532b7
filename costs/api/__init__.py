"""Routes of the API on what requests cost and what users may spend."""

from __future__ import annotations

from dmr.routing import path

from costs.api.limits import CheckApi, LimitsApi
from costs.api.usage import BatchApi, UsageApi, UserUsageApi

routes = [
    path("usage", UsageApi.as_view(), name="usage"),
    path("usage/batch", BatchApi.as_view(), name="usage_batch"),
    path("user/usage", UserUsageApi.as_view(), name="user_usage"),
    path("limits/check", CheckApi.as_view(), name="limits_check"),
    path("limits/<path:user_id>", LimitsApi.as_view(), name="limits"),
]
