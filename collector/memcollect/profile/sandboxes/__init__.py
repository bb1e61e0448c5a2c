"""Where sandboxes come from, and how they go again: a template, pods that are there, a provisioner."""
