"""What leaves the program as a file: pictures of the screen, steps as Markdown, numbers as CSV."""
