"""From the readers to wire.NodeSample: the one place that decides which absence is normal."""
