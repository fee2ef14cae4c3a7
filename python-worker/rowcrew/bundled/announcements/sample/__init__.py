"""Announcements of companies that do not exist, whose truth is known: for demonstrations and measurements."""
