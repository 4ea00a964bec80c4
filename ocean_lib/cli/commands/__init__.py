"""The commands, one file a part of the story."""
