"""Lays out documents on pages, as PDF, with reportlab.

In: a `Document`, its look, locale and page size. Out: the bytes of the file. Nothing in here is imported
before a `pdf_export` runs, so its modules may import reportlab at the top.
"""
