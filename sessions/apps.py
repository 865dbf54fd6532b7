from django.apps import AppConfig


class SessionsConfig(AppConfig):
    # Django's own login sessions hold the label "sessions": docs/adr/0001.
    name = "sessions"
    label = "agent_sessions"
    verbose_name = "Agent sessions"
    default_auto_field = "django.db.models.BigAutoField"
