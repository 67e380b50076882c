"""A complete door system in software: readers, cards, schedules, anti-passback, events.

It stands for the controller of a real site, so that everything around it can be tried and tested.
"""
