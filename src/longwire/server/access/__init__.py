"""Who may connect and join: authentication, room rules, origins and contract fingerprints."""
