#!/usr/bin/env python
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(0o077)  # what it writes is for its owner: database, key, backups
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Bad settings: {error}")
