from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from monitor.views.account import password
from monitor.views.dashboard import dashboard

admin.site.site_header = admin.site.site_title = "Agent Monitor"

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", password, name="password"),
    path("admin/", admin.site.urls),
]
