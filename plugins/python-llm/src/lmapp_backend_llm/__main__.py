import os
import sys

from lmapp_backend import serve

from .backend import LlmBackend

# A host starts a plugin in the folder of its manifest, this one: its files must not stand for modules of others.
here = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [path for path in sys.path if os.path.realpath(path or os.curdir) != here]

serve(LlmBackend)
