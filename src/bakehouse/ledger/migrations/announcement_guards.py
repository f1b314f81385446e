"""What the triggers of announcements guard, as it was first: a migration never changes again."""

from typing import Final

MOVES: Final = {
    "announcements": {
        "pending": ["sending", "failed"],
        "sending": ["sent", "pending", "failed", "unsure"],
        "unsure": ["pending", "failed"],
        "failed": ["pending"],
    },
}
