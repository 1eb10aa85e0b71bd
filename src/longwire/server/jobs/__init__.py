"""Jobs on a server: their states, leases, access, and the workers of this process."""
