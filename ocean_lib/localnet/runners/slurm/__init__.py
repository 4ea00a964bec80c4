"""Run algorithms on a Slurm cluster: the network's side, and the program on the nodes."""
