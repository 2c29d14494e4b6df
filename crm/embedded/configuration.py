"""What the environment says about a run of `script/server`."""

from dataclasses import dataclass
from pathlib import Path

from crm import environment
from crm.embedded.folder import DataFolder

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Configuration:
    """
    Where and how large the stack is.

    :param web_workers: web processes.
    :param workers: pool processes of each queue's worker.
    :param demo_customers: customers of the demo operator made on first start; 0 for none.
    """

    folder: DataFolder
    host: str
    port: int
    web_workers: int
    workers: int
    demo_customers: int

    @classmethod
    def from_environment(cls) -> "Configuration":
        """
        Read it.

        :raises SystemExit: naming the variable that makes no sense.
        """
        return cls(
            folder=data_folder(),
            host=environment.text("HOST", "127.0.0.1"),
            port=environment.whole_number("PORT", 8000, least=1, most=65_535),
            web_workers=environment.whole_number("CRM_WEB_WORKERS", 2, least=1, most=256),
            workers=environment.whole_number("CRM_WORKERS", 2, least=1, most=256),
            demo_customers=environment.whole_number(
                "CRM_DEMO_CUSTOMERS", 5000, least=0, most=100_000_000
            ),
        )


def data_folder() -> DataFolder:
    """Return the data folder that the environment names, or the checkout's own."""
    return DataFolder(environment.folder("CRM_VAR", CHECKOUT / "var"))
