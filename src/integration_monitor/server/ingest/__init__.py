"""The door for records from elsewhere: other languages, and applications that hold no database login.

A request comes in, what became of each of its records goes out, after the commit.

    limits.py     every bound of the door, and the budget of what is held in memory
    bodies.py     a request's body: read in time, unpacked within bounds
    items.py      bodies become JSON objects, each with its place; and what is told of those that are refused
    records.py    an object becomes a record
    calls.py      an object becomes a call, for the recorder
    recording.py  the recorder on a thread of its own: bodies become clean records
    batcher.py    records of many requests become one batch of the store's
    door.py       the parts put together
    handlers.py   the endpoints
"""
