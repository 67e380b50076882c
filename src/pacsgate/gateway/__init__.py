"""The data plane: the doors through which patient data passes."""
