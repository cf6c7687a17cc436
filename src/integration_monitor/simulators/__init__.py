"""Stand-in vendors for the demo and the tests: they answer as the vendors do, error shapes included.

In comes an HTTP request, out goes the answer that the vendor would give. What is answered is told by the request alone: each vendor's
docstring lists which input provokes which answer. Nothing is kept from one request to the next.

- message.py                                           request and answer, and how answers are written
- amocrm.py, resend.py, telegram.py, mobizon.py, whapi.py    one vendor each: `respond(request)`, a pure function
- server.py                                            the vendors on loopback, a port each
"""
