"""Lists: how they are asked for, read, and shown."""
