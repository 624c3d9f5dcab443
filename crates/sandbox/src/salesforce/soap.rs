//! The SOAP partner API, as far as converting leads needs it: there is no REST call for that.

use std::fmt::Write;

use super::call::Reply;
use super::convert::{Conversion, Converted};
use super::failure::Failure;
use super::ids;
use super::org::{Assign, Caller, Org};
use super::xml::{self, Node, escaped};

const MAX_LEADS: usize = 100;
const ENVELOPE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
    xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
    xmlns:sf=\"urn:fault.partner.soap.sforce.com\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>";

fn envelope(status: u16, body: &str) -> Reply {
    Reply::text(status, "text/xml;charset=UTF-8", format!("{ENVELOPE}{body}</soapenv:Body></soapenv:Envelope>"))
}

fn fault(code: &str, message: &str) -> Reply {
    let body = format!(
        "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {}</faultstring></soapenv:Fault>",
        escaped(message)
    );
    envelope(500, &body)
}

pub fn answer(org: &mut Org, body: &str) -> Reply {
    let Some(root) = xml::parse(body) else {
        return fault("UNKNOWN_EXCEPTION", "the message is not well-formed or contains a document type");
    };
    let session = root.find("SessionHeader").and_then(|header| header.text_of("sessionId")).unwrap_or_default();
    let (now_ms, idle) = (org.clock.millis(), org.config.session_seconds);
    let Some(user) = org.sessions.user_of(session, now_ms, idle) else {
        return fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session");
    };
    if !org.spend_call() {
        return fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    }
    let client = root.find("CallOptions").and_then(|options| options.text_of("client")).map(str::to_owned);
    let caller = Caller { user, client, assign: Assign::Never, allow_save: false, record_details: false, human: false };
    match root.find("convertLead") {
        Some(request) => convert_leads(org, &caller, request),
        None => fault("INVALID_OPERATION", "only convertLead is available"),
    }
}

fn convert_leads(org: &mut Org, caller: &Caller, request: &Node) -> Reply {
    let wishes: Vec<&Node> = request.children.iter().filter(|child| child.name == "leadConverts").collect();
    if wishes.len() > MAX_LEADS {
        return fault("LIMIT_EXCEEDED", "at most 100 leads can be converted in one call");
    }
    let mut body = String::from("<convertLeadResponse>");
    for wish in wishes {
        let wish = read_wish(wish);
        let outcome = org.convert(caller, &wish);
        body.push_str(&result(&wish.lead, &outcome));
    }
    body.push_str("</convertLeadResponse>");
    envelope(200, &body)
}

fn read_wish(node: &Node) -> Conversion {
    let id = |name| node.text_of(name).map(|text| ids::parse(text).unwrap_or_else(|| text.to_owned()));
    let flag = |name| node.text_of(name) == Some("true");
    Conversion {
        lead: id("leadId").unwrap_or_default(),
        account: id("accountId"),
        contact: id("contactId"),
        status: node.text_of("convertedStatus").unwrap_or_default().to_owned(),
        without_opportunity: flag("doNotCreateOpportunity"),
        opportunity_name: node.text_of("opportunityName").map(str::to_owned),
        owner: id("ownerId"),
        overwrite_source: flag("overwriteLeadSource"),
    }
}

fn element(into: &mut String, name: &str, value: Option<&str>) {
    let written = match value {
        Some(value) => write!(into, "<{name}>{}</{name}>", escaped(value)),
        None => write!(into, "<{name} xsi:nil=\"true\"/>"),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn result(lead: &str, outcome: &Result<Converted, Failure>) -> String {
    let mut xml = String::from("<result>");
    let converted = outcome.as_ref().ok();
    element(&mut xml, "accountId", converted.map(|converted| converted.account.as_str()));
    element(&mut xml, "contactId", converted.map(|converted| converted.contact.as_str()));
    if let Err(failure) = outcome {
        xml.push_str("<errors>");
        for field in failure.fields.iter().flatten() {
            element(&mut xml, "fields", Some(field));
        }
        element(&mut xml, "message", Some(&failure.message));
        element(&mut xml, "statusCode", Some(failure.code));
        xml.push_str("</errors>");
    }
    element(&mut xml, "leadId", Some(lead));
    element(&mut xml, "opportunityId", converted.and_then(|converted| converted.opportunity.as_deref()));
    element(&mut xml, "success", Some(if outcome.is_ok() { "true" } else { "false" }));
    xml.push_str("</result>");
    xml
}
