"""The pages: rendered here, HTML and CSS only. Each module reads what one page shows."""
