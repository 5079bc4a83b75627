"""RAM (Resource Access Management): roles, policies, and which are attached."""
