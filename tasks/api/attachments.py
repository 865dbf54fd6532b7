"""The route on which agents send screenshots and documents of their tasks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from dmr import APIError, FileMetadata, Path, ResponseSpec, validate
from dmr.parsers import MultiPartParser
from msgspec import Meta, Struct

from records.api import NOT_FOUND, Api, Problem
from tasks.api.address import TaskPath, known, locked
from tasks.files import MAX_NAME, MAX_SIZE
from tasks.identity import Invalid
from tasks.models import Attachment, Task


class FileFacts(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    size: int


class Upload(Struct, forbid_unknown_fields=True):
    """A picture (PNG, JPEG, GIF, WebP), or a text in UTF-8 (.md, .txt, .log), of up to 10 MiB."""

    file: FileFacts


class KeptFile(Struct):
    id: int
    name: str
    kind: Annotated[str, Meta(extra_json_schema={"enum": Attachment.Kind.values})]
    media_type: str
    size: Annotated[int, Meta(description="Bytes.")]
    url: Annotated[str, Meta(description="Where a signed-in person sees it.")]


class AttachmentsApi(Api):
    tags = ("Tasks",)
    permission = "tasks.add_attachment"
    responses = (*Api.responses, NOT_FOUND)

    @validate(
        ResponseSpec(KeptFile, status_code=HTTPStatus.CREATED, description="It was added."),
        ResponseSpec(KeptFile, status_code=HTTPStatus.OK, description="The task had it already."),
        *Api.responses,
        NOT_FOUND,
        parsers=[MultiPartParser()],
    )
    def post(
        self, parsed_path: Path[TaskPath], parsed_file_metadata: FileMetadata[Upload]
    ) -> HttpResponse:
        """Attach a screenshot or a document to a task.

        The form (multipart/form-data) has one field, `file`. What the file is, its content says:
        415 for what is neither a picture nor a text, 413 for more than 10 MiB. The same file
        under the same name is kept once.
        """
        task = known(parsed_path)
        if parsed_file_metadata.file.size > MAX_SIZE:
            raise refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A file has at most 10 MiB.")
        file, *others = self.request.FILES.getlist("file")
        if others:
            raise Invalid("file", "send one file at a time")
        content = file.read()
        with transaction.atomic():
            attachment, is_new = kept(locked(task), parsed_file_metadata.file.name, content)
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return self.to_response(described(attachment), status_code=status)


def kept(task: Task, name: str, content: bytes) -> tuple[Attachment, bool]:
    """The attachment of that name and content, and whether it is new. The task is locked."""
    for attachment in task.attachments.filter(name=name, size=len(content)):
        if holds(attachment, content):
            return attachment, False
    try:
        return task.attach(name, content), True
    except ValueError as fault:  # its size and its name are right
        raise refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(fault)) from None


def holds(attachment: Attachment, content: bytes) -> bool:
    try:
        with attachment.file.open("rb") as file:
            return bool(file.read() == content)
    except OSError:  # the file is gone
        return False


def described(attachment: Attachment) -> KeptFile:
    return KeptFile(
        id=attachment.pk,
        name=attachment.name,
        kind=attachment.kind,
        media_type=attachment.media_type,
        size=attachment.size,
        url=reverse("attachment", args=[attachment.pk]),
    )


def refused(status: HTTPStatus, why: str) -> APIError[Problem]:
    return APIError(Problem(why), status_code=status)
