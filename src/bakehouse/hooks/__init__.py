"""A baker's own programs and webhooks: how they are asked and told. No decisions about money."""
