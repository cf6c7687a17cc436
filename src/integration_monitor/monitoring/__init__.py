"""Records are asked about: parameters and a store's questions come in, rows go out. There is no SQL here.

questions.py    what monitoring needs of a store
statistics.py   hourly and daily statistics
failures.py     failed records, newest first, and one of them
health.py       each service's last 24 hours, and the one rule for its state
timeline.py     series for charts, without gaps
windows.py      statistics of any window, by any step and grouping, beside the window before
logs.py         records that fit a search, one of them, and all of them
error_groups.py failures of one kind together
error_story.py  one kind of failures whole: when, whom, and three examples
entities.py     what was done for one entity, in the order of time
curl.py         a command that repeats a record's call
report.py       what a vendor's support needs to know
page.py         one page of an answer
cursor.py       where the next page begins, as opaque text
"""
