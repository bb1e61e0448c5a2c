"""In DeerFlow's place: a package of its name, with a provider that keeps files of this machine."""
