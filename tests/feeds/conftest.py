from pathlib import Path

import pytest

from crm.platform.feeds.models import Batch
from tests.feeds.files import imported, written

CUSTOMERS = (
    "customer_number,name,account_number,subscriber_number,service_number,opened_on,ended_on",
    "C1,张伟,A1,S1,13900000001,2024-01-01,",
    "C2,李娜,A2,S2,13900000002,2024-01-01,",
    "C3,王芳,A3,S3,13900000003,2024-01-01,2026-07-01",
    "C4,赵敏,A4,S4,13900000003,2026-08-01,",
)


@pytest.fixture
def operator(tmp_path: Path) -> Batch:
    """Four customers, a line each; 13900000003 was S3's until 1 July, S4's since 1 August."""
    return imported("customers", written(tmp_path / "operator.csv", *CUSTOMERS))
