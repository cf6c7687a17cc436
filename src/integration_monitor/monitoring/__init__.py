"""Records are asked about: parameters and a store's questions come in, rows go out. There is no SQL here.

questions.py    what monitoring needs of a store
statistics.py   hourly and daily statistics
failures.py     failed records, newest first, and one of them
health.py       each service's last 24 hours, and the one rule for its state
timeline.py     series for charts, without gaps
page.py         one page of an answer
cursor.py       where the next page begins, as opaque text
"""
