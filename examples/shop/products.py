"""Product → price in EUR. Quarters of a euro, so that sums of them are exact in binary too."""

PRODUCTS = {"beans": 12.50, "filter": 4.25, "kettle": 59.00, "grinder": 89.75}
