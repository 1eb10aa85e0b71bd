"""Connected clients: signing in, dispatching their events, and the commands of the wire."""
