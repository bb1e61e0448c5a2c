"""Snapshots as rows of tables, for engines that answer questions over many of them (docs/archive.md).

columns, rows     what each table holds; a pod as rows of them (pure)
writing           rows as Parquet files
directory         where the files are, and how they come there: whole, once, or not at all
exporting         a saved snapshot into a directory
"""
