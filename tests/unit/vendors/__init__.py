"""The vendors' facts as tables: what their documents tell of answers, and what must be understood of them.

`tests/unit/test_services_<vendor>.py` holds the descriptions to these tables, `tests/unit/services_page.py` makes docs/services.md of them.

- vendor.py                                                    the shape of a vendor's table
- amocrm.py, resend.py, telegram.py, mobizon.py, whapi.py      one vendor each
"""
