"""A WSGI application, and the hooks by which gunicorn gives each of its processes a worker in a thread."""

from __future__ import annotations

from flask import Flask

from rowcrew import WorkerThread, settings

application = Flask(__name__)
worker = WorkerThread(["crew_under_test:crew"], settings.read())


def post_worker_init(_process: object) -> None:
    worker.start()


def worker_exit(_server: object, _process: object) -> None:
    worker.stop()


graceful_timeout = 60
