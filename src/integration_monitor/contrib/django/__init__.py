"""For INSTALLED_APPS: Django's settings go in, an instrumented process comes out. `apps.py` is where Django looks for it."""
