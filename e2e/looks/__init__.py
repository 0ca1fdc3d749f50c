"""How every page looks, in every state and on every screen."""
