"""The dashboard: pages made on the server, which work without JavaScript; a small script keeps them young.

In: requests of a browser. Out: HTML. A page asks `admin`, as every face does. Mounted by `web/app.py`.
"""
