"""What the LDAP directory of a dcm4chee 5 says about who may see what.

Called by `pacsgate.policy.foreign.dcm4chee.reader`.

Standard: none; dcm4chee-arc-light 5.34.
"""
