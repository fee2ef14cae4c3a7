"""Lays out documents on slides, as PPTX, with python-pptx: native charts, tables and texts, all editable.

In: a `Document`, its look, locale and slide size. Out: the bytes of the file. Nothing in here is imported
before a `pptx_export` runs, so its modules may import python-pptx at the top.
"""
