from tasks.models.activity import Activity
from tasks.models.attachment import Attachment
from tasks.models.task import ACTIVE, FINISHED, Status, Task, new_task_id

__all__ = ["ACTIVE", "FINISHED", "Activity", "Attachment", "Status", "Task", "new_task_id"]
