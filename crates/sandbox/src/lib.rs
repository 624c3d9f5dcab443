//! In-memory Salesforce and HubSpot that speak the vendors' wire protocols.
