"""What carries out each command: small functions, a file for each noun. `rules` says which belongs to which command."""
