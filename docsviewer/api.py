"""Routes of the API on which documents are listed, read, archived and restored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from dmr import APIError, Query, modify
from dmr.plugins.msgspec import BodyMsgspec
from dmr.routing import path
from msgspec import Meta, Struct

from docsviewer.library import File, library
from docsviewer.models import MAX_NOTES, Document
from docsviewer.steps import CHANGE, STEPS
from docsviewer.texts import Unreadable, strictly
from records.api import NOT_FOUND, Api, Problem, missing

Path = Annotated[str, Meta(min_length=1, description="As the list tells it.")]


class DocumentsQuery(Struct):
    status: Literal["active", "archived", "all"] = "active"


class ListedDocument(Struct):
    """A document of nobody's knowledge is active."""

    path: Annotated[str, Meta(description="Relative to its folder; what it is known by.")]
    name: str
    size: Annotated[int, Meta(description="Bytes.")]
    modified: Annotated[float, Meta(description="Seconds since 1970-01-01T00:00:00Z.")]
    is_archive: bool
    status: Literal["active", "archived"]
    archived_at: datetime | None
    task_id: Annotated[str | None, Meta(description="The task it belongs to.")]

    @classmethod
    def of(cls, file: File, known: Mapping[str, Document]) -> ListedDocument:
        state = known.get(file.path) or Document(path=file.path)
        return cls(
            path=file.path,
            name=file.name,
            size=file.size,
            modified=file.modified_ns / 10**9,
            is_archive=state.is_archived,
            status="archived" if state.is_archived else "active",
            archived_at=state.archived_at if state.is_archived else None,
            task_id=state.task_id,
        )


class DocumentList(Struct):
    files: list[ListedDocument]
    total: int


class DocumentQuery(Struct):
    path: Path


class DocumentContent(Struct):
    path: str
    name: str
    content: str
    size: Annotated[int, Meta(description="Bytes.")]


class DocumentStep(Struct, forbid_unknown_fields=True):
    path: Path
    notes: Annotated[str, Meta(max_length=MAX_NOTES, description="Why; blank keeps the last.")] = ""


class DocumentChanged(Struct, kw_only=True):
    success: Literal[True] = True
    message: str
    path: str
    status: Literal["active", "archived"]


class DocumentsApi(Api):
    tags = ("Documents",)
    responses = (*Api.responses, NOT_FOUND)

    def get(self, parsed_query: Query[DocumentsQuery]) -> DocumentList:
        """The documents (.md, .txt) of the documentation folders, by path.

        404 where there is no such folder at all.
        """
        found, known = library(), Document.objects.known()
        if not found.files and found.missing:
            raise missing("Documentation directory")
        files = sorted(found.documents, key=lambda file: file.path)
        items = [ListedDocument.of(file, known) for file in files]
        asked = [item for item in items if parsed_query.status in ("all", item.status)]
        return DocumentList(asked, len(asked))


class ContentApi(Api):
    tags = ("Documents",)
    responses = (*Api.responses, NOT_FOUND)

    def get(self, parsed_query: Query[DocumentQuery]) -> DocumentContent:
        """The text of a document as it was written.

        400 for one of more than 4 MiB and for one that is not UTF-8; 404 for all that is no
        document of the list.
        """
        file = listed(parsed_query.path)
        try:
            text = strictly(file)
        except Unreadable as fault:
            raise refused(str(fault)) from None
        except OSError:
            raise missing("Document") from None
        return DocumentContent(file.path, file.name, text, file.size)


class ArchiveApi(Api):
    tags = ("Documents",)
    permission = CHANGE
    responses = (*Api.responses, NOT_FOUND)

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: BodyMsgspec[DocumentStep]) -> DocumentChanged:
        """Archive a document. Its file stays as it is; one that is archived already answers 400."""
        return changed("archive", parsed_body)


class RestoreApi(Api):
    tags = ("Documents",)
    permission = CHANGE
    responses = (*Api.responses, NOT_FOUND)

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: BodyMsgspec[DocumentStep]) -> DocumentChanged:
        """Make an archived document active again; one that is active already answers 400."""
        return changed("restore", parsed_body)


def changed(step: str, asked: DocumentStep) -> DocumentChanged:
    """Take the step; answers 400 where the state of the document does not allow it."""
    file = listed(asked.path)
    try:
        document = STEPS[step].carry_out(file.path, asked.notes)
    except Document.NotAllowed as fault:
        raise refused(str(fault)) from None
    status: Literal["active", "archived"] = "archived" if document.is_archived else "active"
    return DocumentChanged(message=STEPS[step].done, path=file.path, status=status)


def listed(path: str) -> File:
    """The document at that path of the list; answers 404 for all else."""
    file = library().document(path)
    if file is None:
        raise missing("Document")
    return file


def refused(why: str) -> APIError[Problem]:
    return APIError(Problem(why), status_code=HTTPStatus.BAD_REQUEST)


routes = [
    path("docs/list", DocumentsApi.as_view(), name="list_documents"),
    path("docs/content", ContentApi.as_view(), name="document_content"),
    path("docs/archive", ArchiveApi.as_view(), name="archive_document"),
    path("docs/restore", RestoreApi.as_view(), name="restore_document"),
]
