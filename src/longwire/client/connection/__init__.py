"""Getting and keeping a connection: attempts, sign-in, token renewal, backoff."""
