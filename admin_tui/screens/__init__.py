"""The screens of the console, each over its own part of the admin API."""
