"""The operator's room: what a person may ask of the table and do to it, for every face alike.

In: a link of its own and plain values. Out: rows, judgements and remedies as data, which each face words for
itself: the command line, the web, the monitor. Nothing here prints or knows a command's name.
"""
