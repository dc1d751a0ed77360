"""An add-on for Scumble: the operation `duotone`, and a trainer that learns colours for it from photographs."""
