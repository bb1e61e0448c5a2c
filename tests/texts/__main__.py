"""The program: see the package's description."""

from texts.catalogue import write

write()
