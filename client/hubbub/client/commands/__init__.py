"""The commands of `hubbub`, a module each: what they take and what they print. What they do is elsewhere, and is loaded only when it is done."""
