"""It is understood: which service was called, which action it was, and whether it really succeeded.

In comes one parsed HTTP exchange, out goes its meaning: service, action, entity, outcome, rate limit. Nothing here reads a clock but
the rate limit, does I/O, or raises for what a vendor sends.

- exchange.py          Exchange in, Meaning out, and the words between them
- description.py       the shape of a service description: hosts, routes, secrets, reading
- sources.py           where descriptions come from: this package, installed packages, the user's folder
- registry.py          which description an exchange belongs to; applies it
- routes.py            which route of a service a request takes
- folding.py           actions for routes that nobody described, without identifiers
- outcome.py           what the readings have in common: no answer, HTTP statuses, messages
- bodies.py            single values out of parsed bodies
- rate_limit.py        the budget by the usual headers
- amocrm.py (amocrm_routes.py), resend.py, telegram.py (telegram_methods.py), mobizon.py, whapi.py (whapi_routes.py)    one vendor each
- described/           stripe, slack and openai, in TOML
- undescribed.py       any other host
- error_lines.py, explanations.py    what error codes mean, for whoever looks at failures; the folder explained/ has a file a vendor

Descriptions in TOML (docs/reference/service-description.md):

- description_file.py  a file in, a Service out, or a refusal with its key; forms.py holds the forms of single values
- route_lines.py       routes and resources
- condition.py, declared.py, declared_rate_limit.py    what a file says of answers, as the functions of a Service
- secret_pattern.py    regular expressions that cannot take long
- openapi.py           a vendor's OpenAPI document becomes a file, which toml_text.py writes
"""
