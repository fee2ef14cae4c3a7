"""`mysite/settings.py` for the handlers on the page of Django: what a project has, from the environment."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

_address = urlsplit(os.environ["SITE_DATABASE"])

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _address.path[1:],
        "USER": unquote(_address.username or ""),
        "PASSWORD": unquote(_address.password or ""),
        "HOST": _address.hostname,
        "PORT": _address.port,
        "CONN_MAX_AGE": int(os.environ["SITE_MAX_AGE"]),
        "CONN_HEALTH_CHECKS": os.environ["SITE_CHECKS"] == "1",
        "OPTIONS": {"application_name": "mysite"},
    }
}
INSTALLED_APPS = ["people"]
USE_TZ = True
