"""Which pods are meant where nobody says: those of the profile script that memcollect replaces."""

DEFAULT_NAMESPACE = "deer-flow"
DEFAULT_SELECTOR = "app=deer-flow-sandbox"
