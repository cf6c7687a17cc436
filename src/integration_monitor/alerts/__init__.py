"""Somebody is called: what monitoring answers comes in, one message leaves when something begins to be wrong, and one when it ends.

plan.py         what the settings say: how long trouble must hold, when it is quiet, who is told of what
quiet.py        hours in which nobody is called
targets.py      whom messages go to: Apprise URLs, of the settings alone
condition.py    what a rule says of one thing right now
rules.py        the rules: state of a service, its probe, writers that lose or hold back records
silence.py      the rule of silence: a service that is not called although its weeks say that it should be
tracking.py     from conditions to incidents: what holds long enough begins, what is clearly better for long enough ends
wording.py      the words of a message
watch.py        one round of all of it against the database, and the sending

The rules are pure functions of answers and a time. Only `watch.py` asks and writes, and only `targets.py` sends.
"""
