"""The measuring half of memcollect: reads kernel files on one node and reports them, nothing more."""

__version__ = "0.1.0"
