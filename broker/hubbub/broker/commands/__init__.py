"""The operator's commands, a module for those of one kind: what each takes. The work is done elsewhere, and loaded when it is needed."""
