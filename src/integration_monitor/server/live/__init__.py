"""The live stream: what arrives in the database goes in, server-sent events leave.

feed     looks for arrivals while somebody watches, one task for all who watch through this process
watcher  one who watches: where they are, what they are told next
events   what is told, as server-sent events
answer   the response: it lasts until the reader, the session or the server ends

Memory stays flat: nobody has a queue. A reader who takes more time is further behind, and reads on from there.
"""
