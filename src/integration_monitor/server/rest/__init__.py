"""The promised table and views as Supabase shows them over REST, so that its clients run unchanged.

A request in the words of PostgREST comes in, rows or what became of an insert go out; what is not known here is refused, never ignored.

    refusals.py    what is refused, and every error in PostgREST's shape
    parameters.py  the query string becomes a question
    preferences.py the header Prefer, and others that change what an answer means
    rows.py        a body becomes records
    handlers.py    the endpoints
"""
