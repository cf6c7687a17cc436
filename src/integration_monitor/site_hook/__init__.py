"""What `integration-monitor run` puts before a program's PYTHONPATH.

The folder, and not this package, is what Python is shown: it runs `sitecustomize.py` when it starts, in the program and in every Python
that the program starts. What enters is a process that knows nothing of us; what leaves is the same process, with a watch on its imports.
"""
