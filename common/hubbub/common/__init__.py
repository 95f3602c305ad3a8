"""What broker and clients must agree on: the protocol's values and rules. No sockets, no clock."""
