"""Replacing a method of a library's class, and undoing it."""

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


class Replacement:
    """One method of a class, replaced until `undo`.

    make:
        Gives the method to put in place. It calls `replacement.original`, and does nothing else while `replacement.is_active` is false.
    """

    def __init__(self, owner: type, name: str, make: "Callable[[Replacement], Method]") -> None:
        self.original: Method = owner.__dict__[name]
        self.is_active = True
        self._owner = owner
        self._name = name
        self._method = make(self)
        setattr(owner, name, self._method)

    def undo(self) -> None:
        """Puts the original back. Where someone else has replaced the method after us, theirs stays and ours passes calls on."""
        self.is_active = False
        if self._owner.__dict__.get(self._name) is self._method:
            setattr(self._owner, self._name, self.original)
