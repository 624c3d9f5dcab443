//! Countries by their names, and what a postcode, a number or a domain tells of them.
