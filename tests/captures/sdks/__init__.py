"""One file an SDK, or a family of them: `record(tape)` makes its calls."""
