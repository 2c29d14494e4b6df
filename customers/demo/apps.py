from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "customers.demo"
    label = "demo"
