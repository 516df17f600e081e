"""Checks of all configuration files of the monitoring stack."""
