"""What the templates are given: one frozen type a page, with a word on every field.

shared     what more than one page shows: the frame, charts, rows of records
overview   `/`
"""
