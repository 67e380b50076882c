"""Server-rendered pages for people.

They work without JavaScript and a little better with it, under a content security policy that allows
scripts and styles of our own files only.
"""
