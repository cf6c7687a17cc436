"""Answers are shown: HTTP requests come in, JSON and pages go out. There is no SQL here.

app.py         builds everything and joins it: `create_app(settings)`
api/           the JSON endpoints of questions
pages/         the dashboard, with templates/
assets.py      scripts and styles, from static/
sign_in.py     the ways in and out for people
auth.py        guards and dependencies: who asks, and may they
entrance.py    makes a caller of a token, a cookie or a one-time link
tokens.py      JSON Web Tokens, read and issued
caller.py      who asks, and the rights of each role
origin.py      refuses what another site's page sends
refusals.py    what the server refuses, as one tree
problems.py    every error as one shape (RFC 9457)
headers.py     security headers of every answer
incidents.py   the JSON endpoints of incidents
liveness.py    /healthz and /readyz
upkeep.py      the maintenance of the database
watch.py       alerts: rules, messages and probes while the server runs
"""
