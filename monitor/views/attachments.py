from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from monitor.detail.attachment import AttachmentDetail
from tasks.models import Attachment

VIEWER = "tasks/attachment_detail.html"
PLAIN = "text/plain; charset=utf-8"


@require_safe
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """The content of the file, which a browser may show but never run."""
    found = get_object_or_404(Attachment, pk=pk)
    shown = found.media_type if found.kind == Attachment.Kind.SCREENSHOT else PLAIN
    response = HttpResponse(content(found), content_type=shown)
    response["Content-Disposition"] = content_disposition_header(False, found.name) or "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@require_safe
def attachment_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A picture or a text to look at, with the way to those beside it."""
    found = get_object_or_404(Attachment.objects.select_related("task"), pk=pk)
    page = AttachmentDetail(found)
    return TemplateResponse(request, VIEWER, {"page": page})


def content(attachment: Attachment) -> bytes:
    try:
        with attachment.file.open("rb") as file:
            return bytes(file.read())
    except OSError as error:
        raise Http404("The file is gone.") from error
