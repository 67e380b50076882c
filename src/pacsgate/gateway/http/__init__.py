"""The HTTP door: reads requests, asks the use cases, carries out what they say, streams bytes.

The only asynchronous part of pacsgate.  Whatever touches a database or decodes
an image runs in a bounded number of threads.
"""
