"""What follows a text from a handset after it is stored: the answers that are owed to keywords."""
