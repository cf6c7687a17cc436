"""/metrics for Prometheus: totals of the database, the same from every server, and the figures of this process.

totals.py    totals of the database become families; asked at most once in some seconds
own.py       this process: requests by route and status, what is being ingested, memory and processor
handlers.py  the endpoint
"""
