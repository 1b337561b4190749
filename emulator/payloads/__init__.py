"""Request bodies and what they may hold, noun by noun."""
