"""The documentation's site: `make docs`. Its pages are docs/, files beside it, and what is made from the code."""
