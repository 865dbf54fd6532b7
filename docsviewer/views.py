from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from docsviewer.library import File, library
from docsviewer.listing import Listing
from docsviewer.models import Document
from docsviewer.reading import DocumentDetail, body
from docsviewer.selection import Selection
from docsviewer.steps import CHANGE, STEPS
from records.faults import Invalid
from tasks.files import MAX_SIZE, recognized

LIST = "docsviewer/document_list.html"
DETAIL = "docsviewer/document_detail.html"


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    try:
        selection = Selection.parse(request.GET)
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, LIST, {"page": Listing(selection)})


@require_http_methods(["GET", "HEAD", "POST"])
def document(request: HttpRequest, path: str) -> HttpResponse:
    file = found(library().document(path))
    if request.method == "POST":
        return act(request, file)
    return shown(request, file, action=request.GET.get("action", ""))


@require_safe
def picture(request: HttpRequest, picture: str) -> HttpResponse:
    """A picture that a document shows: what it is, its content says, and it never runs."""
    file = found(library().picture(picture))
    try:
        content = file.read(MAX_SIZE + 1)
        _, media_type = recognized("picture", content)
    except (OSError, ValueError) as fault:
        raise Http404 from fault
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(False, file.name) or "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=300"
    return response


def found(file: File | None) -> File:
    if file is None:
        raise Http404
    return file


def shown(request: HttpRequest, file: File, *, status: int = 200, **state: str) -> TemplateResponse:
    """The page; 404 where the file is gone since it was listed."""
    try:
        page = DocumentDetail(file, body(file), request.user.has_perm(CHANGE), **state)
    except OSError as fault:
        raise Http404 from fault
    return TemplateResponse(request, DETAIL, {"page": page}, status=status)


def act(request: HttpRequest, file: File) -> HttpResponse:
    """Do what was confirmed; then the page anew, or why it could not be done."""
    name = request.POST.get("action", "")
    if name not in STEPS:
        raise BadRequest("There is no such action.")
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    try:
        STEPS[name].carry_out(file.path, request.POST.get("notes", "").strip())
    except Document.NotAllowed as fault:
        return shown(request, file, status=409, refusal=str(fault))
    except Invalid as fault:
        return shown(request, file, status=422, refusal=str(fault), action=name)
    if getattr(request, "htmx", False):
        return shown(request, file, notice=STEPS[name].done)
    messages.success(request, STEPS[name].done)
    return HttpResponseRedirect(request.path)
