"""What a network keeps in its state folder."""
