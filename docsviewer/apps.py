from django.apps import AppConfig


class DocsViewerConfig(AppConfig):
    name = "docsviewer"
    verbose_name = "Documentation"
    default_auto_field = "django.db.models.BigAutoField"
