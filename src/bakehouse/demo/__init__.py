"""The main job running on embedded parts: the simulated chain, a private Valkey and SQLite."""
