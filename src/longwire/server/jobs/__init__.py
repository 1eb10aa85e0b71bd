"""Jobs on the server: their registry, leases and appends, and the jobs that run in this process."""
