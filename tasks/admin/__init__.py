from tasks.admin.attachments import AttachmentAdmin
from tasks.admin.records import RecordAdmin
from tasks.admin.tasks import ActivityAdmin, TaskAdmin

__all__ = ["ActivityAdmin", "AttachmentAdmin", "RecordAdmin", "TaskAdmin"]
