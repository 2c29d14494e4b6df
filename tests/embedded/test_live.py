import pytest
from django.test import Client


@pytest.mark.django_db
def test_the_process_says_that_it_lives(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
