"""What the screen can show, without a screen: one module per command. Data to stdout, talk to stderr."""
