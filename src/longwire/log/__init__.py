"""The log of a room: positions, retention, conflation and recovery. Sans-IO."""
