"""What can be wrong with a script."""

from __future__ import annotations

from anomalyops_engine.query.errors import IllegalQueryError


class ScriptError(IllegalQueryError):
    """A script that is none, or that is outside the part of the language that the engine has."""

    type = "script_exception"

    def within(self, what: str) -> ScriptError:
        """Return the error, saying which script it is about."""
        return ScriptError(f"compile error in the script of [{what}]: {self.reason}")
