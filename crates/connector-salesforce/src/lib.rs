//! Salesforce over its REST API.
