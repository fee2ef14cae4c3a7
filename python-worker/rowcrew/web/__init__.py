"""HTTP: the API, the dashboard, metrics and health, all answered by `admin`.

In: settings and an address to listen on. Out: answers until SIGTERM. Called by `rowcrew web`.
"""
