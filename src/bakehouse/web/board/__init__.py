"""Bull Board, the queue dashboard that people know: its page and files, its routes in Python."""
