"""What one process does for the house: pages, jobs, or rounds. `app` puts them together in one."""
