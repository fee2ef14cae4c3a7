"""What a tool is: something that a model may use, which reads and changes nothing.

In: arguments that a model wrote. Out: a value for the model, or a sentence that says why there is none.
Called by `tools`; implemented by the other files of this folder.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import msgspec
import psycopg

from rowcrew import RowcrewError

Connection = psycopg.Connection[Any]


class CannotAnswer(RowcrewError):
    """The tool cannot answer these arguments; the model is told why."""


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The base of every tool's arguments."""


class Tool(Protocol):
    """Something that a model may use.

    Attributes:
        name: as a payload names it.
        description: what the model is told of it.
        arguments: what it takes; anything else is refused.
    """

    name: ClassVar[str]
    description: ClassVar[str]

    @property
    def arguments(self) -> type[Arguments]: ...

    def use(self, arguments: Any) -> Any:
        """What the model is answered: something that JSON can hold.

        Raises:
            CannotAnswer: these arguments make no sense here.
        """
        ...
