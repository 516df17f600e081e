"""Prices of the products in EUR. Multiples of 0.25 have exact sums as binary floats."""

PRODUCTS = {"beans": 12.50, "filter": 4.25, "kettle": 59.00, "grinder": 89.75}
