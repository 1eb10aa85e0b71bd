"""Room memberships and positions."""
