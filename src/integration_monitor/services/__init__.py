"""It is understood: which service was called, which action it was, and whether it really succeeded.

In comes one parsed HTTP exchange, out goes its meaning: service, action, entity, outcome, rate limit. Nothing here reads a clock but
the rate limit, does I/O, or raises for what a vendor sends.

- exchange.py          Exchange in, Meaning out, and the words between them
- description.py       the shape of a service description: hosts, routes, secrets, reading
- registry.py          which description an exchange belongs to; applies it
- routes.py            which route of a service a request takes
- folding.py           actions for routes that nobody described, without identifiers
- outcome.py           what the readings have in common: no answer, HTTP statuses, messages
- bodies.py            single values out of parsed bodies
- rate_limit.py        the budget by the usual headers
- amocrm.py, resend.py, telegram.py (telegram_methods.py), mobizon.py, whapi.py    one vendor each
- undescribed.py       any other host
"""
