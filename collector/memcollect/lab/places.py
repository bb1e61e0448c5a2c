"""Where the demo plays: decided by whoever starts it, read by what runs in it."""

from msgspec import Struct


class Places(Struct, frozen=True, kw_only=True):
    """Directories, on this machine or in the guest."""

    cgroups: str
    logs: str
    disk: str
    """A directory on a real disk; in the guest /mnt/user-data."""
    shm: str
    results: str
    """Seen by whoever waits for the results, too."""
    cluster: str
    """For the API server's folder and kubeconfig; seen where the demo plays alone."""
