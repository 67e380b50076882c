"""The passwords that the guide to the ZHIVA local PACS prints, and that everybody who has read it knows."""

SAMPLE_PASSWORDS = frozenset({"Gf3hDbjY6HkdDsRh", "oAm5Ns78DsdE6MNy", "3$yc$XYQhSA55bJf"})
