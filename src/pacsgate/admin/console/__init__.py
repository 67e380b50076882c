"""Server-rendered pages: sign in, sign out, first set-up, and a door to the viewer.

They work without JavaScript and carry a content security policy that allows none.
"""
