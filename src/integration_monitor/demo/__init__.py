"""A stand-in company whose calls fill the dashboard: 30 days of its past first, then live traffic.

- traffic.py       what it does and when: moments, habits, incidents
- calls.py         the requests behind each moment
- history.py       the past: moments answered by the simulators, without a network, as records
- application.py   the present: a program of its own that calls the simulators through the vendors' SDKs
"""
