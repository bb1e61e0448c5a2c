"""What `make dist` runs: every artifact of a release, made from one commit and published nowhere."""
