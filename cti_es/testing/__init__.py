"""For the tests of others: given / when / then over the library, logs and traces to test with.

:class:`Cti` is what the pytest fixture ``cti`` gives (docs/reference/testing.md). It is imported when it is first used,
so that the pytest plugin costs nothing where it is not used.
"""

TYPE_CHECKING = False  # as in typing, without importing it

if TYPE_CHECKING:
    from cti_es.testing.given import Cti

__all__ = ["Cti"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """A public name, when it is first asked for."""
        if name not in __all__:
            raise AttributeError(f"module 'cti_es.testing' has no attribute '{name}'; its public name is Cti")
        from cti_es.testing.given import Cti

        return globals().setdefault(name, Cti)
