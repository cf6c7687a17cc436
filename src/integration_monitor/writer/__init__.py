"""The writer: records wait and are sent. In come operations and records from the application's threads, out go batches to a sink.

A record that was taken is in the store exactly once, whatever dies in between; and the application never waits for it. Nothing here
knows what an item is: functions given to the constructor make records of items.

    lifecycle.py     the `Writer`: taking, flushing, shutting down, forks, the end of the process
    queue.py         what waits in memory, bounded, and what wakes the worker
    worker.py        the thread: items to records, records to batches
    unfinished.py    operations in flight: written as pending, finished later
    journal.py       journal mode: records go to disk on the application's thread
    delivery.py      batches to the sink, or to disk while it is away
    part.py          a batch on its way, split until a refused record stands alone
    connection.py    the sink: opened, tried again
    drain.py         from the disk to the sink
    depot.py         the disk of one writer: its spool, bounded, and what was refused
    spool.py         the segments of one process
    segment.py       one SQLite file of it
    entry.py         a record as it lies there
    folder.py        where the spools of all processes lie, and who owns which
    destination.py   where records go, named without secrets
    dead_letters.py  what the store will never take
    estate.py        the spools of this machine, for people
    counts.py        what became of every item, and the log line about what was lost
    identity.py      who writes
    sink.py          what the writer asks of a store
"""
