"""The control plane: where people administer the gate and themselves."""
