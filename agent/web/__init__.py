"""The page: HTML, CSS and modules that the server gives to browsers as they are."""
