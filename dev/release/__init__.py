"""What a release is checked by: ``make lowest``, ``release-check`` and ``audit``, and the list of what is public."""
