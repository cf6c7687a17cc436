"""Capture: a call is noticed. In comes the application's own call, out goes an `Operation` with its `Attempt`s, as references.

Everything here runs on the application's thread, so nothing parses, waits or raises; the recorder understands the references later.

    operation.py   what is handed on: operations and their attempts
    call.py        one HTTP call while it runs, and the streamed body of its answer
    nesting.py     one call that passes through several libraries
    httpx.py       httpx, sync and async
    httpx2.py      httpx2, sync and async
    aiohttp.py     aiohttp
    requests.py    requests
    urllib3.py     urllib3
    urllib3_answer.py   the answers of the last two, while they are read
    urllib_request.py   urllib.request
    httplib2.py         httplib2
    http_client.py      http.client
    http_client_answer.py   its answers, while they are read
    chunks.py      the framing of a body that is sent in chunks
    failure.py     what an exception of a client library means
    log.py         a record that the application makes itself
    payload.py     a copy of what the application gives, as JSON
    context.py     what the code around a call says: not to be noticed, about which entity, in which trace
    patching.py    replacing a method, and undoing it
    imports.py     noticing that a library is imported
"""
