"""How fast the tab is in Chromium: opening, stepping, weighing a drawn region, and its memory."""
