"""The broker: orders, stores and publishes what clients send. `broker.Broker` embeds one; `cli` is the program."""
