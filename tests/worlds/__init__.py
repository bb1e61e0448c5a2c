"""The small worlds tests run in: trees of kernel files, nodes, clusters, plans; and how to look at them."""
