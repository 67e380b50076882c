"""LDAP directories and Active Directory: passwords verified, people listed; `source` is where it begins."""
