"""Taking maps away: from event files or a data provider to pictures and tables.

No framework is imported: whoever can read a log can export it.
"""
