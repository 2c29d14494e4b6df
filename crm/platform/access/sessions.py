"""Django's sessions in the database, read on every click: so its SQL is made once."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from crm.platform.prepared import Prepared, Slot

_ALIVE = Prepared(
    lambda: Session.objects.filter(session_key=Slot("key"), expire_date__gt=Slot("now"))
)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        session: Session | None = _ALIVE.first(key=self.session_key, now=timezone.now())
        if session is None:
            self._session_key = None
        return session
