"""The terminal monitor: what happens in the queues, looked at over ssh, without a browser.

In: a link that only looks. Out: five screens on a terminal, or one frame as plain text. Data comes through
`admin` alone. The frame needs no Textual; it and the screens are made of the same tables.
"""
