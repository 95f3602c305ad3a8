"""The client side: the session every client stands on, and the clients themselves."""
