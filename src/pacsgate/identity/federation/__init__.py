"""What other systems say of people, under one set of rules: `federated_accounts` makes subjects of it."""
