//! A reply mail: what its sender says of themselves.
//!
//! **Invariant:** only the newest part is read, and only what it states about its sender: not the
//! quoted text, not a colleague, not the managing directors of the legal notice. If the signature
//! is another person's than the sender, nothing is taken.

mod automatic;
mod digits;
mod doubt;
mod sender;
mod sentence;
pub mod signature;
pub mod statement;

use mittler_core::{Field, Label, Said, Time, Value};
use mittler_intake::{
    Problem,
    mail::{self, Mail},
};

use crate::{
    Context, Draft, Key, KeyType, Remark,
    cells::remark,
    company, country, email,
    email::Email,
    keys,
    lead::say_company,
    name::{self, Name, fold},
    objection, phone,
    phone::Phone,
};
use sender::{displayed, fits_address, sender_name};
use signature::{Signature, asides};
use statement::Statements;

/// What one mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyReading {
    /// The address, lower-cased.
    pub sender: String,
    /// Only what the newest part states about the sender.
    pub person: Draft,
    pub organisation: Option<Draft>,
    /// `out_of_office`, `bounce`, `list` or `auto_generated`; then nothing new is said.
    pub automatic: Option<&'static str>,
    /// The sender objects to advertising.
    pub opt_out: bool,
    pub subject: String,
    pub newest: String,
    pub message_id: Option<String>,
    pub at: Option<Time>,
    pub remarks: Vec<Remark>,
}

const SIGNATURE: &str = "mail.signature";
const STATEMENT: &str = "mail.statement";

/// Characters of the newest part that are read.
const LONGEST: usize = 20_000;

/// Bytes of a line beyond which nobody wrote it by hand.
const LONGEST_LINE: usize = 1_000;

/// Reads a mail. Refused is one without a sender.
pub fn read_reply(mail: &Mail, ctx: &Context) -> Result<ReplyReading, Problem> {
    let missing = || Problem::new("sender_missing", "the mail has no sender");
    let from = mail.from.as_ref().ok_or_else(missing)?;
    let sender = from.address.trim().to_lowercase();
    if sender.is_empty() {
        return Err(missing());
    }
    let address = email::read(&sender);
    let parts = mail::parts(mail);
    let automatic = automatic::kind(mail);
    let mut reading = ReplyReading {
        sender,
        person: Draft::default(),
        organisation: None,
        automatic,
        // "unsubscribe" as the subject needs no text.
        opt_out: automatic.is_none()
            && (objection::is_in(&parts.newest) || (parts.newest.trim().is_empty() && objection::is_in(&mail.subject))),
        subject: mail.subject.clone(),
        newest: parts.newest.clone(),
        message_id: mail.message_id.clone(),
        at: mail.date,
        remarks: Vec::new(),
    };
    let Some(address) = address else {
        reading.remarks.push(remark("email_invalid", "from", "the sender's address cannot be read"));
        return Ok(reading);
    };
    if automatic == Some("bounce") {
        return Ok(reading);
    }
    reading.person.said.extend(say_email(&address, "mail.from", false));
    if automatic.is_some() {
        reading.person.keys = keys::of_person(&keys::Person { emails: &[address], ..keys::Person::default() });
        return Ok(reading);
    }
    if reading.opt_out {
        reading.person.said.push(Said::new(Field::OPT_OUT, Value::Bool(true), "mail.objection").sure(90));
    }
    let shown = from.name.as_deref().and_then(displayed);
    let text = Text::of(&parts, shown.as_ref(), &address, ctx);
    reading.speak(&text, shown.as_ref(), address);
    Ok(reading)
}

/// The newest part, taken apart.
struct Text {
    statements: Statements,
    signature: Signature,
    /// The signature names somebody who is not the sender.
    stranger: bool,
}

impl Text {
    fn of(parts: &mail::Parts, shown: Option<&Name>, address: &Email, ctx: &Context) -> Text {
        // Nobody tells a new number after ten pages, but a pasted log file may be as long.
        let end = parts.newest.char_indices().nth(LONGEST).map_or(parts.newest.len(), |(at, _)| at);
        let newest = parts.newest.get(..end).unwrap_or("");
        let body: Vec<&str> = newest.lines().collect();
        let foot: Vec<&str> = parts.signature.lines().collect();
        // Who says that the name has changed signs with the new one.
        let renamed = statement::read(newest, "").last_name;
        let renamed = shown.zip(renamed).map(|(shown, last)| Name { last: Some(last), ..shown.clone() });
        let own_name = |line: &str| {
            sender_name(line, shown, address).or_else(|| sender_name(line, Some(renamed.as_ref()?), address))
        };
        let is_name = |line: &&str| own_name(line).is_some();
        let is_other = |line: &&str| sender::looks_like_name(line) && own_name(line).is_none();
        let country = country_of(newest, &parts.signature, address, ctx);
        let in_foot = foot.iter().position(&is_name);
        // The mail's reader may have seen no signature where the sign-off is missing.
        let in_body = if in_foot.is_none() { body.iter().rposition(is_name) } else { None };
        let (said, lines): (&[&str], Vec<&str>) = match (in_foot, in_body) {
            (Some(at), _) => (&body, foot[at..].to_vec()),
            (None, Some(at)) => (&body[..at], body[at..].iter().chain(&foot).copied().collect()),
            (None, None) => (&body, foot.clone()),
        };
        let (lines, postscript) = without_postscript(&lines);
        let named = in_foot.is_some() || in_body.is_some();
        // Who signs above the sender's name writes for them; without that name any other will do.
        let above = &foot[..in_foot.unwrap_or(foot.len())];
        let last = shown.and_then(|shown| shown.last.as_deref());
        let whole: Vec<&str> = body.iter().chain(&foot).copied().collect();
        let stranger = above.iter().any(is_other) && in_body.is_none()
            || sender::is_deputy(&whole, last, &|line| own_name(line).is_some());
        let mut signature = Signature::default();
        if named && !stranger {
            let (own, rest) = lines.split_first().map_or(("", &[][..]), |(own, rest)| (*own, rest));
            let after = own_name(own);
            let own_rest = after.as_ref().map_or("", |(_, rest)| rest.as_str());
            // Below another's name stands what is theirs.
            let below = rest.iter().position(|line| sender::is_plain_name(line) && own_name(line).is_none());
            let rest = &rest[..below.unwrap_or(rest.len())];
            let all: Vec<&str> = std::iter::once(own_rest).chain(rest.iter().copied()).collect();
            signature = signature::read(&all, &country);
            signature.name = after.map(|(name, _)| name);
        } else if !stranger && !lines.iter().any(|line| asides::is_team(line)) {
            signature = signature::read(&lines, &country);
            signature.position = None;
        }
        let said = said.iter().copied().chain([""]).chain(postscript).collect::<Vec<_>>().join("\n");
        Text { statements: statement::read(&said, &country), signature, stranger }
    }
}

/// The lines of a signature, and the postscript below it, which is text.
fn without_postscript<'a>(lines: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let begins = |line: &&str| {
        let line = line.trim_start().to_lowercase();
        ["p.s.", "ps:", "ps.", "ps ", "p.s:", "p. s.", "nb:", "n.b."].iter().any(|mark| line.starts_with(mark))
    };
    let Some(start) = lines.iter().position(begins) else { return (lines.to_vec(), Vec::new()) };
    let length = lines[start..].iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len() - start);
    let (head, tail) = lines.split_at(start);
    let (postscript, rest) = tail.split_at(length);
    (head.iter().chain(rest).copied().collect(), postscript.to_vec())
}

impl ReplyReading {
    fn speak(&mut self, text: &Text, shown: Option<&Name>, address: Email) {
        let name = self.say_name(text, shown, &address);
        if text.stranger {
            self.remarks.push(remark(
                "name_mismatch",
                "from",
                "the signature is another person's than the sender; nothing was taken from the mail",
            ));
            self.person.keys = mailbox_keys(&address);
            return;
        }
        let (statements, signature) = (&text.statements, &text.signature);
        let work = Work::of(statements, signature);
        let nameless = name.first.is_none() && name.last.is_none();
        let mailbox = if nameless { mailbox_keys(&address) } else { Vec::new() };
        let emails = self.say_emails(statements, address);
        let numbers = self.say_phones(statements, signature, work);
        let signed = signature.position.as_deref().filter(|_| work == Work::Here);
        if let Some((text, how)) = better_position(statements.position.as_deref(), signed) {
            let claim = |value| weighed(Said::new(Field::POSITION, value, how).sure(90), is_loud(text));
            self.person.said.extend(Value::text(text).map(claim));
        }
        let (company, how) = match (&statements.company, &signature.company) {
            (Some(stated), _) => (Some(stated), STATEMENT),
            (None, signed) => (signed.as_ref().filter(|_| work == Work::Here), SIGNATURE),
        };
        if let Some(company) = company {
            // "REH GMBH" is how the signature looks, no news beside "Reh GmbH".
            let loud = how == SIGNATURE && company.rules.contains(&"company.case");
            let claim = |value| weighed(Said::new(Field::COMPANY, value, how).sure(90), loud);
            self.person.said.extend(Value::text(&company.name).map(claim));
        }
        // Who moves writes from the old company's address for the last time.
        let domain = match work {
            Work::Gone => None,
            _ if statements.leaves && company.is_some() => emails.iter().skip(1).find_map(Email::company_domain),
            _ => emails.first().and_then(Email::company_domain),
        };
        self.organisation = organisation(company, how, domain.as_deref(), signature, work == Work::Elsewhere);
        self.person.keys = keys::of_person(&keys::Person {
            first: name.first.as_deref(),
            last: name.last.as_deref(),
            emails: &emails,
            phones: &numbers,
            company_core: company.map(|company| company.core.as_str()),
        });
        self.person.keys.extend(mailbox);
        self.person.keys.sort();
        self.person.keys.dedup();
    }

    /// The address written from, and those that the text states.
    fn say_emails(&mut self, statements: &Statements, address: Email) -> Vec<Email> {
        let main = statements.main_email.as_ref().filter(|main| main.key() != address.key());
        if main.is_some() {
            // Both are said at one time, and the address that is given up must not come first.
            let given_up = self.person.said.iter_mut().filter(|said| said.field == Field::EMAILS);
            given_up.for_each(|said| *said = said.clone().by_rule());
        }
        let mut emails = vec![address];
        for email in &statements.emails {
            if !email.is_role() && emails.iter().all(|known| known.key() != email.key()) {
                let first = main.is_some_and(|main| main.key() == email.key());
                self.person.said.extend(say_email(email, STATEMENT, first));
                emails.push(email.clone());
            }
        }
        emails
    }

    /// Says the name if the sender's display name and the signature agree, or the text states it.
    fn say_name(&mut self, text: &Text, shown: Option<&Name>, address: &Email) -> Name {
        let mut name = Name::default();
        let mut how = SIGNATURE;
        let whole = |name: &Name| {
            name.first.as_deref().is_some_and(|first| !first.ends_with('.') && first.chars().count() > 1)
                && name.last.is_some()
        };
        if let Some(signed) = text.signature.name.as_ref().filter(|name| whole(name)) {
            name = signed.clone();
            // "HANS SCHNEIDER" is how the signature looks, not how he is called.
            name.proper_case();
        } else if let Some(shown) = shown.filter(|shown| whole(shown) && !text.stranger && fits_address(shown, address))
        {
            name = shown.clone();
            name.proper_case();
            how = "mail.from";
        }
        if !text.stranger {
            if let Some(first) = &text.statements.first_name {
                name.first = Some(first.clone());
            }
            if let Some(last) = &text.statements.last_name {
                name.last = Some(last.clone());
            }
            if text.statements.last_name.is_some() || text.statements.first_name.is_some() {
                how = STATEMENT;
            }
        }
        for (field, value) in
            [(Field::TITLE, &name.title), (Field::FIRST_NAME, &name.first), (Field::LAST_NAME, &name.last)]
        {
            let Some(value) = value.as_deref().and_then(Value::text) else { continue };
            let claim = Said::new(field, value, how).sure(90);
            self.person.said.push(if how == "mail.from" { claim.sure(60).by_rule() } else { claim });
        }
        name
    }

    fn say_phones(&mut self, statements: &Statements, signature: &Signature, work: Work) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        // A mobile number goes along, the desk stays behind.
        let kept = signature.phones.iter().filter(|phone| match work {
            Work::Here => true,
            Work::Elsewhere => phone.label == Label::Mobile,
            Work::Gone => false,
        });
        // Of two numbers of one switchboard, one in the signature and one just corrected, the
        // signature may be the old one.
        let stated = |label: Label| statements.phones.iter().any(|phone| desk(phone.label) == desk(label));
        let kept = kept
            .filter(|phone| !stated(phone.label) || statements.phones.iter().any(|stated| stated.e164 == phone.e164));
        let all = statements.phones.iter().map(|phone| (phone, STATEMENT)).chain(kept.map(|phone| (phone, SIGNATURE)));
        for (phone, how) in all {
            if taken.contains(&phone.e164) || statements.old_phones.iter().any(|old| old.e164 == phone.e164) {
                continue;
            }
            if let Some(value) = Value::text(&phone.e164) {
                // The first of a kind is the one to call, as in a row of a list: else a list's old
                // number would stay before the new one that its owner names.
                let first =
                    !self.person.said.iter().any(|said| said.field == Field::PHONES && said.label == Some(phone.label));
                let claim = Said::element(Field::PHONES, &phone.e164, value, how).labelled(phone.label).sure(90);
                self.person.said.push(if first { claim.primary() } else { claim });
                taken.push(phone.e164.clone());
            }
        }
        for old in &statements.old_phones {
            let gone = Said {
                key: Some(old.e164.clone()),
                value: None,
                ..Said::new(Field::PHONES, Value::Bool(false), STATEMENT)
            };
            self.person.said.push(gone.labelled(old.label).sure(90));
        }
        taken
    }
}

/// The keys of a mail whose sender's name is not known. A mailbox of a task has no key as a person
/// has; without one each of its mails would make a new person.
fn mailbox_keys(address: &Email) -> Vec<Key> {
    let mut keys = keys::of_person(&keys::Person { emails: std::slice::from_ref(address), ..keys::Person::default() });
    if address.is_role() {
        keys.push(keys::key(KeyType::External, "mailbox", address.key()));
    }
    keys
}

/// Where the sender works, by what they say: at the company of the signature, elsewhere by now, or
/// no longer at all as far as the mail tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Here,
    Elsewhere,
    Gone,
}

impl Work {
    fn of(statements: &Statements, signature: &Signature) -> Work {
        match (&statements.company, &signature.company) {
            // The signature is the new company's already.
            (Some(stated), Some(signed)) if company::same_core(&stated.core, &signed.core) => Work::Here,
            (Some(_), _) if statements.leaves || statements.departed => Work::Elsewhere,
            (None, _) if statements.departed => Work::Gone,
            _ => Work::Here,
        }
    }
}

/// Whether the text is in capitals, as some signatures are.
fn is_loud(text: &str) -> bool {
    name::is_shouted(text) && text.split_whitespace().any(|word| word.chars().count() > 4)
}

/// How something is written is no news: it fills a gap and displaces nothing.
fn weighed(claim: Said, loud: bool) -> Said {
    if loud { claim.by_rule() } else { claim }
}

fn desk(label: Label) -> bool {
    matches!(label, Label::Work | Label::Direct)
}

fn say_email(email: &Email, how: &str, primary: bool) -> Option<Said> {
    let claim = Said::element(Field::EMAILS, email.key(), Value::text(&email.address)?, how).labelled(Label::Work);
    let claim = if how == STATEMENT { claim.sure(90) } else { claim };
    Some(if primary { claim.primary() } else { claim })
}

/// The position stated in the text, unless the signature writes the same one properly.
fn better_position<'a>(stated: Option<&'a str>, signed: Option<&'a str>) -> Option<(&'a str, &'static str)> {
    match (stated, signed) {
        (Some(stated), Some(signed)) => {
            let (a, b) = (fold(stated), fold(signed));
            Some(if a.starts_with(&b) || b.starts_with(&a) { (signed, SIGNATURE) } else { (stated, STATEMENT) })
        }
        (Some(stated), None) => Some((stated, STATEMENT)),
        (None, signed) => signed.map(|signed| (signed, SIGNATURE)),
    }
}

fn organisation(
    company: Option<&company::Company>,
    how: &'static str,
    domain: Option<&str>,
    signature: &Signature,
    moved: bool,
) -> Option<Draft> {
    if company.is_none() && domain.is_none() {
        return None;
    }
    let mut said = company.map(|company| say_company(company, how)).unwrap_or_default();
    if let Some(domain) = domain {
        said.push(Said::new(Field::DOMAIN, Value::Text(domain.to_owned()), "company.domain").sure(80).by_rule());
    }
    if moved || company.is_none() {
        return Some(Draft { said, keys: keys::of_company(company, domain, None, None, None) });
    }
    for (field, text) in [
        (Field::STREET, &signature.street),
        (Field::POSTAL_CODE, &signature.postal_code),
        (Field::CITY, &signature.city),
        (Field::WEBSITE, &signature.website),
        (Field::VAT_ID, &signature.vat_id),
        (Field::REGISTER, &signature.register),
    ] {
        said.extend(text.as_deref().and_then(Value::text).map(|value| Said::new(field, value, SIGNATURE).sure(90)));
    }
    for phone in &signature.switchboards {
        said.extend(
            Value::text(&phone.e164).map(|value| {
                Said::element(Field::PHONES, &phone.e164, value, SIGNATURE).labelled(Label::Work).sure(90)
            }),
        );
    }
    let keys = keys::of_company(
        company,
        domain,
        signature.postal_code.as_deref(),
        signature.vat_id.as_deref(),
        signature.register.as_deref(),
    );
    Some(Draft { said, keys })
}

/// By which country numbers without a country code are read: that of the first number with one,
/// of the sender's domain, of the context.
fn country_of(newest: &str, signature: &str, address: &Email, ctx: &Context) -> String {
    let mut lines = signature.lines().chain(newest.lines()).filter(|line| line.len() <= LONGEST_LINE);
    let international: Option<Phone> =
        lines.find_map(|line| phone::find_all(line, "").into_iter().map(|(_, phone)| phone).next());
    international
        .and_then(|phone| phone.country)
        .or_else(|| country::of_domain(&address.domain).map(str::to_owned))
        .unwrap_or_else(|| ctx.default_country.clone())
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "reply/trap_tests.rs"]
mod traps;
