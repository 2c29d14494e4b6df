"""The web pages and REST as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from crm.embedded.checks import refuse_demo_logins

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

application = get_wsgi_application()
refuse_demo_logins()
