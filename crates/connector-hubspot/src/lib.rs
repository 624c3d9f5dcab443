//! HubSpot over its date-versioned CRM API.
