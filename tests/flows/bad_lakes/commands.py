"""Commands that read a lake, or write it."""

COMMANDS = {
    "search": ["search", "red", "-m", "text"],
    "status": ["status"],
    "files": ["files"],
    "list": ["snapshots", "list"],
    "verify": ["snapshots", "verify"],
    "rollback": ["snapshots", "rollback", "1"],
    "maintain": ["maintain"],
}
