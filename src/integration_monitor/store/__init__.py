"""Records are kept here: records and questions come in as parameters, rows go out.

answers.py    what questions are answered with: the reading side's rows, and the roles they are asked under
postgres/     the system of record: migrations, contract, the writing and the reading side, queries as .sql files
embedded.py   makes a database URL of the word `embedded`
sharing.py    who uses such a server: the first process starts it, the last one stops it
cluster.py    the server itself: its data directory and its process
"""
