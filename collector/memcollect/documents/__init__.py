"""What is kept on disk: the documents as structs (pure), and the reading and writing of them.

snapshot, run             the structs
files, events, bundle     one document; a run's events; a run's folder with the checksum of every file
"""
