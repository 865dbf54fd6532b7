"""Every route of the project and who may use it: a line each in TABLE."""

from dataclasses import dataclass, field, replace
from typing import Self

WRITING = ("POST", "PUT", "PATCH", "DELETE")
FORM = "application/x-www-form-urlencoded"
LOGIN = "sign in first"

PEOPLE = ("operator", "permitted", "staff", "superuser")  # signed in; the second as a row says
KEYS = ("reader", "writer", "revoked")
ROLES = ("anonymous", *PEOPLE, *KEYS)


@dataclass(frozen=True)
class Kind:
    """Who is turned away, and how; all others are let in."""

    refused: dict[str, int | str] = field(default_factory=dict)
    permissions: str = ""  # of the role `permitted`

    def __call__(self, permissions: str) -> Self:
        return replace(self, permissions=permissions)

    def but_nothing_is_there(self) -> Self:
        return replace(self, refused=all_of(*ROLES, to=404) | self.refused)


def all_of(*roles: str, to: int | str) -> dict[str, int | str]:
    return dict.fromkeys(roles, to)


STRANGERS = all_of("anonymous", *KEYS, to=LOGIN)  # a key opens no page
UNKNOWN = all_of("anonymous", "revoked", to=401)

PUBLIC = Kind()
PAGE = Kind(STRANGERS)
DEED = Kind(STRANGERS | all_of("operator", "staff", to=403))  # on a page, with permissions
STAFF = Kind(STRANGERS | all_of("operator", to=LOGIN))
ADMIN = Kind(STAFF.refused | all_of("staff", to=403))  # with permissions
APP = Kind(STAFF.refused | all_of("staff", to=404))
NOBODY = Kind(ADMIN.refused | all_of("permitted", "superuser", to=403))
READ = Kind(UNKNOWN | all_of("writer", to=403))
WRITE = Kind(UNKNOWN | all_of("reader", "operator", "staff", to=403))  # people with permissions
KEY_WRITE = Kind(WRITE.refused | all_of("permitted", "superuser", to=403))  # keys alone


@dataclass(frozen=True)
class Row:
    route: str
    methods: dict[str, Kind]
    sent: dict[str, str] = field(default_factory=dict)  # in the query, or by a form


def row(route: str, sent: dict[str, str] | None = None, **methods: Kind) -> Row:
    return Row(route, methods, sent or {})


def model(label: str, deeds: str = "", **needed: str) -> list[Row]:
    """The admin pages of a model: what may be done beside viewing, if not with the permission of
    that name then with those `needed`."""
    app, name = label.split("/")

    def may(deed: str) -> Kind:
        permissions = needed.get(deed, f"{app}.{deed}_{name}")
        return ADMIN(permissions) if deed in ["view", *deeds.split()] else NOBODY

    page = f"/admin/{label}/<path:object_id>/"
    return [
        row(f"/admin/{label}/", GET=may("view"), POST=may("view")),
        row(f"/admin/{label}/add/", GET=may("add"), POST=may("add")),
        row(page, GET=STAFF),
        row(f"{page}change/", GET=may("view"), POST=may("change")),
        row(f"{page}delete/", GET=may("delete"), POST=may("delete")),
        row(f"{page}history/", GET=may("view")),
    ]


PAGES = [
    row("/", GET=PAGE),
    row("/tasks/<path:task_id>/", {"action": "stop"}, GET=PAGE, POST=DEED("tasks.change_task")),
    row("/sessions/<path:key>/", GET=PAGE),
    row("/errors/", GET=PAGE),
    row("/costs/", GET=PAGE),
    row("/costs/records.csv", GET=PAGE),
    row(
        "/costs/limits/",
        {"of": "u-1"},
        GET=DEED("costs.change_spendinglimit"),
        POST=DEED("costs.change_spendinglimit"),
    ),
    row("/tools/", GET=PAGE),
    row("/gallery/", GET=PAGE),
    row("/theme/", {"theme": "dark"}, POST=PUBLIC),
    row("/reference/", GET=PAGE),
    row("/docs/", GET=PAGE),
    row(
        "/docs/<path:path>",
        {"action": "archive"},
        GET=PAGE,
        POST=DEED("docsviewer.change_document"),
    ),
    row("/docs/<path:picture>/image", GET=PAGE),
    row("/attachments/<int:pk>/", GET=PAGE),
    row("/attachments/<int:pk>/view/", GET=PAGE),
    row("/login/", GET=PUBLIC, POST=PUBLIC),
    row("/logout/", POST=PAGE),
    row("/password/", GET=PAGE, POST=PAGE),
    row("/health", GET=PUBLIC),
]

API = [
    row("/api/hooks/claude-code", POST=KEY_WRITE),
    row("/api/usage", POST=WRITE("costs.add_costrecord")),
    row("/api/usage/batch", POST=WRITE("costs.add_costrecord")),
    row("/api/user/usage", {"user_id": "u-1"}, GET=READ),
    row("/api/limits/check", POST=KEY_WRITE),
    row("/api/limits/<path:user_id>", GET=READ, PUT=WRITE("costs.change_spendinglimit")),
    row("/api/tasks", POST=WRITE("tasks.add_task")),
    row("/api/tasks/running", GET=READ),
    row("/api/tasks/completed", GET=READ),
    row("/api/tasks/failed", GET=READ),
    row("/api/tasks/all", GET=READ),
    row("/api/tasks/activity", GET=READ),
    row("/api/tasks/<path:task_id>", GET=READ, PATCH=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/tool-usage", GET=READ),
    row("/api/tasks/<path:task_id>/stop", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/mark-fixed", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/activity", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/attachments", POST=WRITE("tasks.add_attachment")),
    row("/api/sessions/<path:key>/tool-usage", GET=READ),
    row("/api/tool-calls", POST=WRITE("agent_sessions.add_toolcall")),
    row("/api/tool-execution", POST=WRITE("agent_sessions.add_toolcall")),
    row("/api/metrics/overview", GET=READ),
    row("/api/metrics/claude-api", GET=READ),
    row("/api/metrics/claude-sessions", GET=READ),
    row("/api/metrics/cli-sessions", GET=READ),
    row("/api/metrics/tasks", GET=READ),
    row("/api/metrics/tools", GET=READ),
    row("/api/metrics/timeseries", GET=READ),
    row("/api/stream/metrics", GET=READ),
    row("/api/docs/list", GET=READ),
    row("/api/docs/content", {"path": "guide.md"}, GET=READ),
    row("/api/docs/archive", POST=WRITE("docsviewer.change_document")),
    row("/api/docs/restore", POST=WRITE("docsviewer.change_document")),
    row("/api/openapi.json", GET=READ),
    row(
        "/^api/",
        GET=READ.but_nothing_is_there(),
        **dict.fromkeys(WRITING, KEY_WRITE.but_nothing_is_there()),
    ),
]

ADMINISTRATION = [
    row("/admin/", GET=STAFF),
    row("/admin/login/", GET=PUBLIC, POST=PUBLIC),
    row("/admin/logout/", POST=PAGE),
    row("/admin/password_change/", GET=STAFF, POST=STAFF),
    row("/admin/password_change/done/", GET=STAFF),
    row("/admin/autocomplete/", GET=NOBODY),
    row("/admin/jsi18n/", GET=STAFF),
    row("/admin/r/<path:content_type_id>/<path:object_id>/", GET=STAFF.but_nothing_is_there()),
    row("/admin/^(?P<app_label>...)/$", GET=APP("tasks.view_task")),
    row("/admin/(?P<url>.*)$", GET=STAFF.but_nothing_is_there()),
    *model("agent_sessions/fileaccess"),
    *model("agent_sessions/hooklog"),
    *model("agent_sessions/importedfile"),
    *model("agent_sessions/session"),
    *model("agent_sessions/sessionactivity"),
    *model("agent_sessions/toolcall"),
    *model("agent_sessions/toolday"),
    *model("agent_sessions/toolhour"),
    *model("agent_sessions/toolmonth"),
    *model("auth/group", "add change delete"),
    *model("auth/user", "add change delete", add="auth.add_user auth.change_user"),
    row(
        "/admin/auth/user/<id>/password/",
        GET=ADMIN("auth.change_user"),
        POST=ADMIN("auth.change_user"),
    ),
    *model("axes/accessattempt", "change delete"),
    *model("axes/accessfailurelog", "change delete"),
    *model("axes/accesslog", "change delete"),
    *model("costs/costrecord"),
    *model("costs/importedusage"),
    *model("costs/ledgerstate"),
    *model("costs/modelday"),
    *model("costs/modelhour"),
    *model("costs/spendinglimit", "add change delete"),
    *model("costs/usageimport"),
    *model("costs/userday"),
    *model("costs/typehour"),
    *model("costs/typeday"),
    *model("costs/sessionhour"),
    *model("costs/sessionspan"),
    *model("costs/usermodelmonth"),
    *model("costs/userhour"),
    *model("docsviewer/document"),
    *model("monitor/apikey", "add change delete"),
    row(
        "/admin/monitor/apikey/revoke/",
        GET=ADMIN("monitor.change_apikey"),
        POST=ADMIN("monitor.change_apikey"),
    ),
    *model("tasks/activity"),
    *model("tasks/attachment", "add delete"),
    *model("tasks/task"),
]

TABLE = [*PAGES, *API, *ADMINISTRATION]
