"""Write a backend for lmapp: inherit from `Backend`, and call `serve` with your class."""

from .backend import Backend, Context
from .call import Call
from .content import to_text
from .errors import BackendError
from .serve import serve

__all__ = ["Backend", "BackendError", "Call", "Context", "serve", "to_text"]
__version__ = "0.1.0"
