"""Other servers, started as they are for the same work, each with what its clients say on the wire."""
