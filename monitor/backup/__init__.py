"""The whole of the monitor's data in one file, and back.

A backup is a tar archive: `database`, a copy of the SQLite file or a dump of PostgreSQL;
`attachments/`, the files of the tasks; and, as the last of all, `about.json`, with what is in it
and the digest of each part. The secret key stays out: who finds a backup can forge no session.
"""

from monitor.backup.archive import About
from monitor.backup.making import make
from monitor.backup.progress import Progress, Refused
from monitor.backup.restoring import Restored, restore

__all__ = ["About", "Progress", "Refused", "Restored", "make", "restore"]
