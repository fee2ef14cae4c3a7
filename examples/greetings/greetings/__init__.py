"""Says to Rowcrew what this package brings. Imported at every start, so it imports no handler."""

from rowcrew.family import Family

family = Family(name="greetings", package=__name__, crew="greetings.handlers:crew")
