"""What is measured, a module each: `measure(plan)` returns its rows."""
