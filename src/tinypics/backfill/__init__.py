"""Pictures that are there already: counted, priced, worked on, and reported."""
