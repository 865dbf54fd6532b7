from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = "theme"  # read by templates/base.html and static/js/theme.js
YEAR = 365 * 24 * 3600  # seconds


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme of this browser for a year; "system" forgets it."""
    chosen = request.POST.get("theme", "")
    if chosen not in ("system", "light", "dark"):
        reason = f"There is no theme {chosen!r}: take system, light or dark."
        return TemplateResponse(request, "400.html", {"reason": reason}, status=400)
    response = HttpResponseRedirect(way_back(request))
    if chosen == "system":
        response.delete_cookie(COOKIE, samesite="Lax")
    else:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(COOKIE, chosen, max_age=YEAR, secure=secure, samesite="Lax")
    return response


def way_back(request: HttpRequest) -> str:
    """The page of this site that the form stood on; the dashboard if it names none."""
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if is_ours and page != request.path else "/"
