"""What a user holds: Ocean, its assets, its compute service and the jobs."""
