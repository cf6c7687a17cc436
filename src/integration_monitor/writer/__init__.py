"""The writer: records wait and are sent. In come operations and records from the application's threads, out go batches to a sink.

Nothing here knows what an item is: the function given to the constructor makes a record of it, on the worker's thread.

    lifecycle.py   the `Writer`: taking, flushing, shutting down, forks, the end of the process
    queue.py       what waits, bounded
    worker.py      the thread: items to records, records to batches, batches to the sink
    counts.py      what became of every item, and the log line about what was lost
    sink.py        what the writer asks of a store
"""
