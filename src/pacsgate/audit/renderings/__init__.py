"""The faces of an event: a line for people, flat JSON for machines, PS3.15 A.5 XML and FHIR for repositories.

All are made from the event alone and none can be made to say more than it does:
whatever a client put into a name or a query comes out escaped.
"""
