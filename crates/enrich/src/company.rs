//! Companies: core name, legal form, domain, register and VAT number.
