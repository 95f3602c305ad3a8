"""The operator's side door: a socket in the data folder, over which `hubbub-broker`'s commands ask a running broker. Whoever can open it may do everything but read rooms."""
