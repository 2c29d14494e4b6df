from django.apps import AppConfig

from crm.embedded import checks as checks  # registers them


class EmbeddedConfig(AppConfig):
    name = "crm.embedded"
    label = "embedded"
