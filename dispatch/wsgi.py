"""The WSGI entry point, for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatch.settings")
application = get_wsgi_application()

# Now and then a page waits for Python to look through everything in memory for lost cycles. What
# is loaded by now stays for good, and a page leaves few: look through the new only, in portions of
# a millisecond or two. Ten times as many at a time cost one page in fifty 15 ms more.
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 100)
