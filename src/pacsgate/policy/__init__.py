"""The decision: one language, one intermediate form, and what can be asked of it.

Text becomes a `Policy` (`language`), whose conditions are `ir` formulas.
`engine.bind` fills in who asks and when; what remains decides one resource
(`decide`) or describes all that would be allowed (`constraint`).
`reference` says the same thing again, slowly and separately: it is what a
policy *means*.  `explain`, `examine`, `difference` and `lint` answer people's questions.

Called by `pacsgate.services`; never does I/O and never reads a clock.
"""
