"""`longwire top`: the admin interface in a terminal."""
