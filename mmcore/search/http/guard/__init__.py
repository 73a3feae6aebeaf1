"""What a request passes before its route: HTTP itself, who asks, how often and how much."""
