# make bench: costs, in turn with peers.
