"""The pure core: commands and records in, effects and changes out. No sockets, no files, no clock, no randomness."""
