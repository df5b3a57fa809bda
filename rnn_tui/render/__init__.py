"""Drawing as pure functions: what is to be seen → lines of (text, role)."""
