from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from monitor import views

admin.site.site_header = admin.site.site_title = "Agent Monitor"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.password, name="password"),
    path("admin/", admin.site.urls),
]
