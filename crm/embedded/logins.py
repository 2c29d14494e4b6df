"""The demo log-ins, as the console shows them."""

DEMO_PASSWORD = "demo"
DEMO_LOGINS = (
    ("clerk", "business-hall clerk"),
    ("hallmanager", "hall manager"),
    ("agent", "call-centre agent"),
    ("teamlead", "call-centre team lead"),
    ("accountmanager", "account manager"),
    ("marketer", "marketing planner"),
    ("analyst", "analyst"),
    ("dispatcher", "dispatcher, back office"),
    ("auditor", "auditor"),
    ("manager", "manager"),
    ("admin", "administrator"),
)
DEMO_CLIENT = ("billing", "billing-demo-secret")


def tell(*, port: int, demo: bool) -> None:
    """Say that the stack answers, and, where it is the demo operator, who may come in."""
    print(f"ready: http://127.0.0.1:{port}", flush=True)
    if not demo:
        return
    print(f"Demo log-ins (password {DEMO_PASSWORD}):")
    for name, role in DEMO_LOGINS:
        print(f"  {name:<16} {role}")
    print(f"OAuth client: {DEMO_CLIENT[0]} / {DEMO_CLIENT[1]}", flush=True)
