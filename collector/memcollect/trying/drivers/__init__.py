"""The drivers: each speaks one backend's own interface and implements `memcollect.evidence.port`."""
