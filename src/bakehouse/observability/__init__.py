"""What is told of this process to those who watch it: metrics and traces. Nothing is decided."""
