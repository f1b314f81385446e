"""One file per job of the old system: what runs when the queue delivers it."""
