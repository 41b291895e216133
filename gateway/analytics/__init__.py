"""What campaigns came to: orders and who led to them, reports, and the picture of the moment."""
