"""Notices: free text from the grid and the operator, what each truly asks, and when a site breaks it."""
