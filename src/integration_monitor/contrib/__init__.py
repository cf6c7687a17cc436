"""The product in the words of frameworks: a framework's settings come in, `instrument()` is called with them.

Each module here belongs to one framework and imports it; nothing else of the product imports these. `django/` is an application of
INSTALLED_APPS. FastAPI, Litestar, Flask and Celery have no module: `instrument()` is all they need (docs/integrations.md).
"""
