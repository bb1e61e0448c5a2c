"""The phase `evidence`: a plan's source tried by the catalogue, seen from node and API."""
