"""PostgreSQL, the system of record. README.md beside this file tells tables, indexes, consistency and costs.

migrations/     numbered .sql files: the schema, step by step; schema.sql is what they add up to
queries/        one question or statement a file; sql.py loads them
connection.py   how a connection is made, and bounded in time; pool.py holds the server's
errors.py       driver errors, translated once
migrator.py     brings a database up to date; script.py prints the same for a SQL editor
contract.py     proves that a database keeps promises.py; access.py tries each role's rights
sink.py         the writing side: batches of records, and reports of who writes them
encoding.py     records in PostgreSQL's binary protocol; acceptable.py repairs those that it refuses
completeness.py which processes took what is nowhere
questions.py    the reading side: statistics, failures, health, timeline
entrance.py     keys and one-time links of the server
maintenance.py  partitions ahead and retention, once; upkeep.py is what the server calls
"""
