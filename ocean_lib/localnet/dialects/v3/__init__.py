"""Ocean V3: the REST APIs of Provider and Aquarius, their documents, rules and texts."""
