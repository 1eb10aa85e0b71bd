"""Access control: authentication, room rules, origins and contract fingerprints."""
