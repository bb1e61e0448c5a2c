"""Reading the kernel's files, rooted at the paths given: one method per file, parsed by `parse`."""
