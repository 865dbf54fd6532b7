"""Routes that play what may go wrong, among those of the site."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from dmr.routing import Router, path
from msgspec import Struct

from monitor import urls as site
from records.api import Api


class By(Struct):
    by: str


class Deeds(Api):
    """What may be done, by whom."""

    permission = "tasks.change_task"
    fault: Exception = NotImplementedError()

    def get(self) -> By:
        request: Any = self.request
        return By(request.api_key.name if request.api_key else request.user.username)

    def post(self) -> By:
        return self.get()


class KeysOnly(Api):
    """What nobody but a program does."""

    def get(self) -> By:
        return By("")

    def post(self) -> By:
        return By("")


class Fails(Api):
    """What goes wrong."""

    def post(self) -> By:
        raise Deeds.fault


@login_not_required
def plain(request: HttpRequest) -> HttpResponse:
    if not isinstance(Deeds.fault, NotImplementedError):
        raise Deeds.fault
    return HttpResponse(status=HTTPStatus.OK)


router = Router(
    "api/",
    [
        path("deed", Deeds.as_view()),
        path("keys-only", KeysOnly.as_view()),
        path("fails", Fails.as_view()),
    ],
)
urlpatterns = [path("api/plain", plain), router.to_urlpatterns(), *site.urlpatterns]
