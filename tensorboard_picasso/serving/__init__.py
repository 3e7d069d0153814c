"""The plugin: routes, what they answer, and the form of the answers."""
