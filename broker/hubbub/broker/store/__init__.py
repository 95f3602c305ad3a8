"""The log and the read model on disk. `interface` is what the broker asks of a store, `sqlite` the one that there is."""
