"""Who asks: every credential becomes one verified subject, or one recorded refusal.

Adapters: `authenticate` verifies; `passwords`, `tokens` and `sessions` also make
what the use cases in `services` hand out.
"""
