"""The operator's commands, a module for each: what it takes and what it prints. The work is done elsewhere, and loaded when it is needed."""
