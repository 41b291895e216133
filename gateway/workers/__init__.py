"""One server of several processes: the one that is seen from outside, and the workers that it keeps
running."""
