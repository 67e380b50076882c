"""Who requests an association: `door` reads what is presented, and each `by_…` believes one kind of it."""
