"""The client of Aquarius, the metadata cache."""
