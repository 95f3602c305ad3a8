"""The broker: orders, stores and fans out what clients send."""
