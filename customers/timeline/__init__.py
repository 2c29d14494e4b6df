"""Everything that happened to a customer, in one order, from wherever it is kept."""
