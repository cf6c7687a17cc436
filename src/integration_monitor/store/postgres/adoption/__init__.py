"""Takes over an old, unpartitioned public.integration_logs: it becomes the first partition of the new table, and nothing is copied.

What enters is a database whose table was made by hand, or by something older; what leaves is one that `migrate` goes on with.

findings.py      what stands in the way, and what becomes otherwise: looked at before anything is changed
session.py       one session of its own that does it: not through a transaction pooler, not two at once
moment.py        a transaction that holds the table exclusively for a moment, or gives up and tries again
preparation.py   the long work, beside readers and writers: indexes, checks, records without created_at
takeover.py      the whole course: prepare, exchange the tables in one moment, count the statistics day by day
watcher.py       whom the progress is told to

Whatever is broken off is gone on with by the next run. docs/decisions/0018-adoption.md tells why it is done like this.
"""
