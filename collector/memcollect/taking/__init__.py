"""Taking a snapshot: of a cluster, node by node, or of this machine."""
