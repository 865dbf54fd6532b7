from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from docsviewer.views import document, documents, picture
from monitor.api import routes
from monitor.views.account import password
from monitor.views.attachments import attachment, attachment_page
from monitor.views.dashboard import dashboard
from monitor.views.detail import session, task
from monitor.views.errors import errors
from monitor.views.gallery import gallery
from monitor.views.reference import reference
from monitor.views.spend import spend, spend_csv, spending_limit
from monitor.views.theme import theme
from monitor.views.tools import tools

admin.site.site_header = admin.site.site_title = "Agent Monitor"
admin.site.login_template = "registration/staff.html"

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("tasks/<path:task_id>/", task, name="task"),
    path("sessions/<path:key>/", session, name="session"),
    path("costs/", spend, name="spend"),
    path("costs/records.csv", spend_csv, name="spend_csv"),
    path("costs/limits/", spending_limit, name="spending_limit"),
    path("tools/", tools, name="tools"),
    path("errors/", errors, name="errors"),
    path("attachments/<int:pk>/", attachment, name="attachment"),
    path("attachments/<int:pk>/view/", attachment_page, name="attachment_page"),
    path("docs/", documents, name="documents"),
    path("docs/<path:picture>/image", picture, name="document_picture"),
    path("docs/<path:path>", document, name="document"),
    path("reference/", reference, name="reference"),
    path("gallery/", gallery, name="gallery"),
    path("theme/", theme, name="theme"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", password, name="password"),
    path("admin/", admin.site.urls),
    *routes.urlpatterns,
]
