//! A lead row: from cells to what they say about the person, the company and the scan.
//!
//! **Invariant:** nothing is repaired by guessing. What cannot be read is left out and remarked;
//! what a rule supplied is marked as the rule's.

use std::collections::BTreeSet;

use mittler_core::{Field, Label, Said, Time, Value};
use mittler_intake::{LeadField, Problem, RawLead};

use crate::{
    Context, Draft, KeyType, Remark,
    address::Address,
    cells::{CELL, Cells, field_name},
    company::{self, Company},
    consent::{self, Consent, Way},
    dates,
    email::{self, Email},
    keys, language,
    name::{self, Name, fold},
    phone, said_there,
};

/// What one lead says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadReading {
    pub person: Draft,
    /// `None` if nothing names a company.
    pub organisation: Option<Draft>,
    /// `None` for leads without a fair.
    pub participation: Option<Vec<Said>>,
    /// When the badge was scanned.
    pub at: Option<Time>,
    /// By which ways they do not want to be reached.
    pub refused: BTreeSet<Way>,
    pub remarks: Vec<Remark>,
}

/// No name, address or number is longer; what is longer is a broken row and would take its time.
const LONGEST_CELL: usize = 1_000;

/// Reads a lead. Refused are rows that name nobody (`no_name_and_no_email`), test rows of the stand
/// crew (`test_entry`), headings among the rows (`header_row`), and cells but the note of more than
/// 1,000 characters (`cell_too_long`). A badge scanned at a fair names somebody: the organiser's
/// list will say whom.
pub fn read_lead(raw: &RawLead, ctx: &Context) -> Result<LeadReading, Problem> {
    let too_long = |text: &String| text.len() > LONGEST_CELL && text.chars().count() > LONGEST_CELL;
    if let Some((field, _)) = raw.fields.iter().find(|(field, text)| **field != LeadField::Note && too_long(text)) {
        return Err(Problem::new(
            "cell_too_long",
            "the cell has more than 1,000 characters; only a note may be longer",
        )
        .at(field_name(*field)));
    }
    let mut cells = Cells::of(raw);
    refuse_headings(&cells)?;
    let (emails, bad_emails) = email::read_all(cells.get(LeadField::Email));
    if bad_emails > 0 {
        cells.remark("email_invalid", LeadField::Email, "this is no e-mail address; it was left out");
    }
    let (name, how) = read_name(&mut cells, &emails);
    if name.first.is_none() && name.last.is_none() && emails.is_empty() && !is_bare_scan(&cells, ctx) {
        return Err(Problem::new("no_name_and_no_email", "the row has neither a name nor an e-mail address"));
    }
    refuse_tests(&name, &emails, &cells)?;
    join_dialling_parts(&mut cells);

    let address = Address::read(&mut cells, ctx);
    let (phones, extensions) = read_phones(&mut cells, &address.phone_country);
    let company = company::read(cells.get(LeadField::Company), cells.get(LeadField::City));
    let domain = company_domain(&cells, &emails);
    hint_at_mistyped_domain(&mut cells, company.as_ref(), &emails);

    let mut person = Draft::default();
    say_name(&mut person.said, &name, how);
    say_emails(&mut person.said, &emails);
    person.said.extend(phones.iter().cloned());
    // What is part of no value of ours is kept beside it.
    for (attribute, text) in
        [("phone_extension", extensions.join("; ")), ("name_addition", name.aside.clone().unwrap_or_default())]
    {
        person
            .said
            .extend(Value::text(&text).map(|value| Said::new(Field::custom(&ctx.source, attribute), value, CELL)));
    }
    say_job(&mut person.said, &mut cells, company.as_ref(), domain.as_deref());
    let refused = read_consents(&mut person.said, &mut cells, raw);
    address.say(&mut person.said);
    // What is no value of ours is kept as it was written.
    for (field, unread) in [
        (LeadField::Country, address.country.is_none()),
        (LeadField::Owner, email::read(cells.get(LeadField::Owner)).is_none()),
    ] {
        if let Some(value) = Value::text(cells.get(field)).filter(|_| unread) {
            person.said.push(Said::new(Field::custom(&ctx.source, &field_name(field)), value, CELL));
        }
    }
    let numbers: Vec<String> =
        phones.iter().filter(|said| said.label != Some(Label::Fax)).filter_map(|said| said.key.clone()).collect();
    person.keys = keys::of_person(&keys::Person {
        first: name.first.as_deref(),
        last: name.last.as_deref(),
        emails: &emails,
        phones: &numbers,
        company_core: company.as_ref().map(|company| company.core.as_str()),
    });
    for (field, key_type, scope) in [
        (LeadField::Badge, KeyType::Badge, badge_scope(ctx)),
        (LeadField::ExternalId, KeyType::External, ctx.source.clone()),
    ] {
        person.keys.extend(keys::id_value(cells.get(field)).map(|id| keys::key(key_type, &scope, id)));
    }

    let organisation = organisation(&mut cells, company.as_ref(), domain.as_deref(), &address);
    let moment = moment(&cells, &ctx.time_zone);
    if moment.is_none() && !cells.get(LeadField::ScannedAt).is_empty() {
        cells.remark("time_unreadable", LeadField::ScannedAt, "the time of the scan cannot be read");
    }
    let visit = visit(&mut cells, raw, ctx, moment);
    let participation = if ctx.fair.is_some() {
        Some(visit)
    } else {
        person.said.extend(visit);
        None
    };
    let at = moment.map(|moment| moment.at);
    Ok(LeadReading { person, organisation, participation, at, refused, remarks: cells.remarks })
}

fn badge_scope(ctx: &Context) -> String {
    ctx.fair.as_deref().map_or_else(|| ctx.source.clone(), |fair| keys::fair_scope(fair, None))
}

/// A badge and what was said at the stand, without anything that only a person's own data would
/// fill: the first half of a lead whose second half is the organiser's list.
fn is_bare_scan(cells: &Cells, ctx: &Context) -> bool {
    let of_the_scan = |field: &LeadField| {
        matches!(
            field,
            LeadField::Badge
                | LeadField::ExternalId
                | LeadField::ScannedAt
                | LeadField::ScannedTime
                | LeadField::ScannedBy
                | LeadField::Interest
                | LeadField::Priority
                | LeadField::Note
                | LeadField::Newsletter
                | LeadField::Owner
                | LeadField::Language
        )
    };
    ctx.fair.is_some() && keys::id_value(cells.get(LeadField::Badge)).is_some() && cells.values.keys().all(of_the_scan)
}

/// `Vorwahl;Rufnummer` are one number, and a short `Durchwahl` is the end of the number beside it.
fn join_dialling_parts(cells: &mut Cells) {
    let phone = cells.get(LeadField::Phone).to_owned();
    // Further numbers stand below the first, which the other parts belong to.
    let (first, further) = phone.split_once('\n').map_or((phone.as_str(), None), |(first, rest)| (first, Some(rest)));
    let area = cells.values.remove(&LeadField::AreaCode).unwrap_or_default();
    let begins = first.trim_start_matches(['(', ' ', '\'']);
    let mut whole = first.to_owned();
    if !area.is_empty() && !first.is_empty() && !begins.starts_with(['+', '0']) {
        let zero = if area.starts_with(['+', '0', '(']) { "" } else { "0" };
        whole = format!("{zero}{area} {first}");
    }
    let extension = cells.values.remove(&LeadField::Extension).unwrap_or_default();
    let digits: String = extension.chars().filter(char::is_ascii_digit).collect();
    let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 5 {
        // A whole number under "Durchwahl" is the direct one.
        whole = if whole.is_empty() { extension } else { format!("{whole}\nDurchwahl {extension}") };
    } else if !digits.is_empty() && !whole.is_empty() && !plain.ends_with(&digits) {
        whole = format!("{whole} DW {digits}");
    }
    if let Some(further) = further {
        whole = format!("{whole}\n{further}");
    }
    if whole.is_empty() {
        return;
    }
    cells.values.insert(LeadField::Phone, whole);
}

fn refuse_headings(cells: &Cells) -> Result<(), Problem> {
    let is = |field: LeadField, names: &[&str]| names.contains(&fold(cells.get(field)).as_str());
    let last =
        is(LeadField::LastName, &["nachname", "name", "last name", "lastname", "last_name", "surname", "familienname"]);
    let other = is(LeadField::FirstName, &["vorname", "first name", "firstname", "first_name"])
        || is(LeadField::Email, &["e-mail", "email", "mail", "e-mail-adresse"]);
    if last && other {
        return Err(Problem::new("header_row", "the row repeats the headings"));
    }
    Ok(())
}

fn refuse_tests(name: &Name, emails: &[Email], cells: &Cells) -> Result<(), Problem> {
    const WORDS: [&str; 9] = ["test", "tester", "testing", "testperson", "testuser", "dummy", "asdf", "xxx", "probe"];
    let first = name.first.as_deref().map(fold).unwrap_or_default();
    let last = name.last.as_deref().map(fold).unwrap_or_default();
    let is_word = |text: &str| WORDS.contains(&text);
    let both = is_word(&last) && (is_word(&first) || first.is_empty() || is_word(&fold(cells.get(LeadField::Company))));
    let sample = matches!(last.as_str(), "mustermann" | "musterfrau")
        && matches!(first.as_str(), "max" | "erika" | "erich" | "maria" | "martina" | "moritz" | "" | "m.");
    let mailbox =
        first.is_empty() && last.is_empty() && !emails.is_empty() && emails.iter().all(|email| is_word(email.local()));
    if both || sample || mailbox {
        return Err(Problem::new("test_entry", "the row is a test of the stand crew").at("last_name"));
    }
    Ok(())
}

/// The name, and the rule that made it if one did.
fn read_name(cells: &mut Cells, emails: &[Email]) -> (Name, Option<&'static str>) {
    let mut last = cells.get(LeadField::LastName).to_owned();
    let mut first = cells.get(LeadField::FirstName).to_owned();
    if last.is_empty() && first.is_empty() {
        cells.get(LeadField::FullName).clone_into(&mut last);
    }
    if dates::looks_like_date(&last)
        || (last.chars().any(|c| c.is_ascii_digit()) && !last.chars().any(char::is_alphabetic))
    {
        last.clear();
        cells.remark(
            "last_name_is_no_name",
            LeadField::LastName,
            "a date or number stands where the last name should be",
        );
    }
    let personal = emails.iter().find(|email| !email.is_role());
    let mail_parts: Vec<String> =
        personal.map(|email| email.local().split(['.', '_']).map(fold).collect()).unwrap_or_default();
    let mut how = None;
    if let [given, surname] = mail_parts.as_slice() {
        let fits = |name: &str, part: &String| fold(name) == *part || name::fold_plain(name) == *part;
        if fits(&last, given) && fits(&first, surname) && name::is_given_name(&last) && !name::is_given_name(&first) {
            std::mem::swap(&mut first, &mut last);
            how = Some("name.swapped");
            cells.remark(
                "names_swapped",
                LeadField::FirstName,
                "first and last name stood in each other's column, as the mail address shows",
            );
        }
    }
    let (salutation, in_salutation) = name::salutation_and_title(cells.get(LeadField::Salutation));
    let mut title = cells.get(LeadField::Title).to_owned();
    if name::is_position(&title) && cells.get(LeadField::Position).is_empty() {
        // "Titel" is a job title to some lists.
        cells.values.remove(&LeadField::Title);
        cells.values.insert(LeadField::Position, std::mem::take(&mut title));
    }
    if title.is_empty() {
        title = in_salutation;
    }
    let mut name = name::of_parts(&title, &first, &last);
    let coded = match cells.get(LeadField::GenderCode) {
        "1" => Some("mr"),
        "2" => Some("ms"),
        _ => None,
    };
    name.salutation = salutation.or(coded).or(name.salutation);
    if let Some(position) = name.position.take().filter(|_| cells.get(LeadField::Position).is_empty()) {
        cells.values.insert(LeadField::Position, position);
    }
    if name.last.is_none()
        && let [given, surname] = mail_parts.as_slice()
        && surname_is_readable(&mail_parts, name.first.as_deref())
    {
        name.last = Some(name::proper(surname));
        if name.first.is_none() {
            name.first = Some(name::proper(given));
        }
        how = Some("name.from_email");
        cells.remark("name_from_email", LeadField::LastName, "the last name was read from the mail address");
    }
    how = how.or_else(|| name.rules.first().copied());
    let written = format!("{first} {last}");
    if written.contains('?') {
        cells.remark("letters_lost", LeadField::LastName, "the export could not write a letter of the name");
    }
    if first.to_lowercase().contains(" und ") || first.contains(" & ") {
        cells.remark("two_persons", LeadField::FirstName, "the row names two persons; they were not parted");
    }
    if name.last.as_deref().is_some_and(|last| last.chars().filter(|c| c.is_alphabetic()).count() == 1) {
        cells.remark("initials_only", LeadField::LastName, "the name is an initial");
    }
    (name, how)
}

fn surname_is_readable(parts: &[String], first: Option<&str>) -> bool {
    let [given, surname] = parts else { return false };
    let letters = |part: &str| part.chars().count() > 2 && part.chars().all(|c| c.is_alphabetic() || c == '-');
    match first.map(fold) {
        Some(first) => {
            letters(surname) && (first == *given || (given.chars().count() == 1 && first.starts_with(given.as_str())))
        }
        None => letters(surname) && letters(given) && name::is_given_name(given),
    }
}

fn say_name(said: &mut Vec<Said>, name: &Name, how: Option<&'static str>) {
    if let Some(choice) = name.salutation {
        said.push(Said::new(Field::SALUTATION, Value::choice(choice), CELL));
    }
    for (field, text) in [(Field::TITLE, &name.title), (Field::FIRST_NAME, &name.first), (Field::LAST_NAME, &name.last)]
    {
        let Some(value) = text.as_deref().and_then(Value::text) else { continue };
        let lost = value.as_text().is_some_and(|text| text.contains('?'));
        // Taking a cell apart is reading; changing case or order is a rule's work.
        let made =
            how.filter(|how| matches!(*how, "name.case" | "name.swapped" | "name.from_email") && field != Field::TITLE);
        let claim = Said::new(field, value, how.unwrap_or(CELL)).sure(if lost { 50 } else { 100 });
        said.push(match made {
            Some("name.from_email") => claim.sure(40).by_rule(),
            Some(_) => claim.sure(80).by_rule(),
            None => claim,
        });
    }
}

fn say_emails(said: &mut Vec<Said>, emails: &[Email]) {
    let main = emails.iter().position(|email| !email.is_role()).unwrap_or(0);
    for (at, email) in emails.iter().enumerate() {
        let Some(value) = Value::text(&email.address) else { continue };
        let claim = Said::element(Field::EMAILS, email.key(), value, CELL).labelled(Label::Work);
        said.push(if at == main { claim.primary() } else { claim });
    }
}

/// The numbers, and the extensions that are part of none.
fn read_phones(cells: &mut Cells, country: &str) -> (Vec<Said>, Vec<String>) {
    let (mut phones, mut extensions): (Vec<Said>, Vec<String>) = (Vec::new(), Vec::new());
    for column in [LeadField::Phone, LeadField::Mobile, LeadField::Fax] {
        let (found, bad) = phone::read_all(cells.get(column), country);
        let destroyed = found.is_empty() && !cells.get(column).is_empty();
        if bad > 0 || destroyed {
            cells.remark("phone_unreadable", column, "a phone number cannot be read; it was left out");
        }
        for phone in found {
            let label = match column {
                LeadField::Fax => Label::Fax,
                LeadField::Mobile if !phone.fixed => Label::Mobile,
                _ => phone.label,
            };
            if label == Label::Private {
                cells.remark("private_number_left_out", column, "a number marked as private was left out");
                continue;
            }
            if phones.iter().any(|said| said.key.as_deref() == Some(&phone.e164)) {
                continue;
            }
            extensions.extend(phone.extension.map(|extension| format!("{} ext. {extension}", phone.display)));
            let Some(value) = Value::text(&phone.e164) else { continue };
            let first = !phones.iter().any(|said| said.label == Some(label));
            let claim = Said::element(Field::PHONES, phone.e164, value, CELL).labelled(label);
            phones.push(if first { claim.primary() } else { claim });
        }
    }
    (phones, extensions)
}

fn company_domain(cells: &Cells, emails: &[Email]) -> Option<String> {
    let by_website = email::host_of(cells.get(LeadField::Website)).and_then(|host| email::company_domain(&host));
    by_website.or_else(|| emails.iter().find_map(Email::company_domain))
}

/// `elbgrief.example` beside "Elbgreif AG": kept as written, but somebody should look.
fn hint_at_mistyped_domain(cells: &mut Cells, company: Option<&Company>, emails: &[Email]) {
    let Some(company) = company else { return };
    let domains = emails.iter().filter_map(Email::company_domain);
    let labels: Vec<String> = domains.filter_map(|domain| domain.split('.').next().map(str::to_owned)).collect();
    let slip = company
        .core
        .split(' ')
        .filter(|word| word.len() > 5)
        .any(|word| labels.iter().any(|label| strsim::damerau_levenshtein(word, label) == 1));
    if slip {
        cells.remark(
            "email_domain_mistyped",
            LeadField::Email,
            "the address's domain looks like a slip of the company's name",
        );
    }
}

fn say_job(said: &mut Vec<Said>, cells: &mut Cells, company: Option<&Company>, domain: Option<&str>) {
    for (field, cell) in [(Field::POSITION, LeadField::Position), (Field::DEPARTMENT, LeadField::Department)] {
        let text = cells.get(cell);
        let Some(value) = Value::text(text) else { continue };
        said.push(if name::is_shouted(text) && text.contains(' ') {
            Said::new(field, Value::Text(name::proper(text)), "lead.case").sure(80).by_rule()
        } else {
            Said::new(field, value, CELL)
        });
    }
    if let Some(company) = company {
        let shouted = company.rules.contains(&"company.case");
        let text = if shouted { company.name.as_str() } else { cells.get(LeadField::Company) };
        if let Some(value) = Value::text(text) {
            let claim = Said::new(Field::COMPANY, value, if shouted { "company.case" } else { CELL });
            said.push(if shouted { claim.sure(80).by_rule() } else { claim });
        }
    } else if let Some(guess) = domain.and_then(company::name_of_domain) {
        said.push(Said::new(Field::COMPANY, Value::Text(guess), "company.domain").sure(30).by_rule());
        cells.remark("company_from_domain", LeadField::Company, "no company is named; the mail or web domain tells it");
    }
    let website = cells.get(LeadField::Website).to_owned();
    match email::host_of(&website) {
        Some(_) => {
            said.extend(Value::text(&website.to_lowercase()).map(|value| Said::new(Field::WEBSITE, value, CELL)));
        }
        None if !website.is_empty() => {
            cells.remark("website_unreadable", LeadField::Website, "this is no web address; it was left out");
        }
        None => {}
    }
    if let Some(code) = language::read(cells.get(LeadField::Language)) {
        said.push(Said::new(Field::LANGUAGE, Value::choice(code), CELL));
    }
    if let Some(owner) = email::read(cells.get(LeadField::Owner)) {
        said.extend(Value::text(&owner.address).map(|value| Said::new(Field::OWNER, value, CELL)));
    } else if !cells.get(LeadField::Owner).is_empty() {
        cells.remark(
            "owner_without_address",
            LeadField::Owner,
            "the person in charge is named without an e-mail address; the name was kept, the rules choose the owner",
        );
    }
    let note = fold(cells.get(LeadField::Note));
    if note.contains("wettbewerber")
        || note.contains("mitbewerber")
        || note.contains("konkurrent")
        || note.contains("competitor")
    {
        cells.remark("competitor_in_note", LeadField::Note, "the note calls the visitor a competitor");
    }
}

/// What the note, the newsletter's tick and all columns without a place say of consent. A refusal is an
/// objection at once. A consent stays what was said of the visit, in the words of its heading: it takes no
/// objection back.
fn read_consents(said: &mut Vec<Said>, cells: &mut Cells, raw: &RawLead) -> BTreeSet<Way> {
    let mut refused = BTreeSet::new();
    if let Some(ways) = consent::objection_in(cells.get(LeadField::Note)) {
        said.push(Said::new(Field::OPT_OUT, Value::Bool(true), "note.objection").sure(90));
        cells.remark("opt_out_in_note", LeadField::Note, "the note says that no advertising is wanted");
        // A sentence tells what is wanted beside what is not: whether to follow up is for who reads it.
        refused.extend(ways.into_iter().filter(|way| *way != Way::Any));
    }
    let newsletter = cells.get(LeadField::Newsletter).to_owned();
    for (heading, value) in std::iter::once(("newsletter", newsletter.as_str())).chain(raw.attributes.iter()) {
        let ways = match consent::read(heading, value) {
            Some(Consent::Refused(ways)) => ways,
            Some(Consent::Unclear) if consent::objection_in(value).is_none() => {
                let text =
                    "the column speaks of consent, and its value is not understood; look at it before advertising";
                cells.remarks.push(crate::cells::remark("consent_unclear", heading, text));
                continue;
            }
            Some(Consent::Given | Consent::Unsaid) => continue,
            Some(Consent::Unclear) | None => match consent::objection_in(value) {
                Some(ways) => ways,
                None => continue,
            },
        };
        if !said.iter().any(|said| said.field == Field::OPT_OUT) {
            said.push(Said::new(Field::OPT_OUT, Value::Bool(true), "lead.consent"));
        }
        cells.remarks.push(crate::cells::remark("opt_out_in_column", heading, "the column says that this was refused"));
        refused.extend(ways);
    }
    refused
}

fn organisation(
    cells: &mut Cells,
    company: Option<&Company>,
    domain: Option<&str>,
    address: &Address,
) -> Option<Draft> {
    if company.is_none() && domain.is_none() {
        return None;
    }
    let mut said = Vec::new();
    if let Some(company) = company {
        said.extend(say_company(company, CELL));
    } else if let Some(guess) = domain.and_then(company::name_of_domain) {
        said.push(Said::new(Field::NAME, Value::Text(guess), "company.domain").sure(30).by_rule());
    }
    let website = cells.get(LeadField::Website).to_lowercase();
    if email::host_of(&website).is_some() {
        said.extend(Value::text(&website).map(|value| Said::new(Field::WEBSITE, value, CELL)));
    }
    if let Some(domain) = domain {
        said.push(Said::new(Field::DOMAIN, Value::Text(domain.to_owned()), "company.domain").sure(80).by_rule());
    }
    let vat_id = company::vat_id(cells.get(LeadField::VatId));
    if let Some(id) = &vat_id {
        said.push(Said::new(Field::VAT_ID, Value::Text(id.clone()), CELL));
    } else if !cells.get(LeadField::VatId).is_empty() {
        cells.remark(
            "vat_id_invalid",
            LeadField::VatId,
            "the VAT number's form or check digit is wrong; it was left out",
        );
    }
    if company.is_some() {
        address.say(&mut said);
    }
    let postal_code = address.postal_code.as_deref();
    Some(Draft { said, keys: keys::of_company(company, domain, postal_code, vat_id.as_deref(), None) })
}

/// Name, core and form of a company.
pub(crate) fn say_company(company: &Company, how: &'static str) -> Vec<Said> {
    let mut said = Vec::new();
    let changed = company.rules.first().copied();
    if let Some(value) = Value::text(&company.name) {
        let claim = Said::new(Field::NAME, value, changed.unwrap_or(how));
        said.push(if changed.is_some() { claim.sure(90).by_rule() } else { claim });
    }
    said.push(Said::new(Field::CORE_NAME, Value::Text(company.core.clone()), "company.core").by_rule());
    if let Some(form) = company.legal_form {
        said.push(Said::new(Field::LEGAL_FORM, Value::Text(form.to_owned()), how));
    }
    said
}

/// When it was; the time may stand in a column beside the date.
fn moment(cells: &Cells, time_zone: &str) -> Option<dates::Moment> {
    let (date, time) = (cells.get(LeadField::ScannedAt), cells.get(LeadField::ScannedTime));
    // Spreadsheets write a date as the midnight it begins with.
    let day = date.strip_suffix("00:00:00").or_else(|| date.strip_suffix("00:00")).unwrap_or(date).trim();
    let together = (!time.is_empty() && !day.contains(':')).then(|| format!("{day} {time}"));
    together.and_then(|text| dates::read(&text, time_zone)).or_else(|| dates::read(date, time_zone))
}

/// What is said of the visit: when, which badge, what about.
fn visit(cells: &mut Cells, raw: &RawLead, ctx: &Context, moment: Option<dates::Moment>) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(moment) = moment {
        said.push(Said::new(Field::AT, moment.value(), CELL));
    }
    if ctx.fair.is_some() {
        said.push(Said::new(Field::STATUS, Value::choice("attended"), "lead.scan"));
    }
    let interest = interests(cells.get(LeadField::Interest));
    let owner = cells.get(LeadField::Owner);
    let unknown_owner = if email::read(owner).is_none() { owner } else { "" };
    let note = said_there::note(cells.get(LeadField::Note), &[("Betreuer", unknown_owner)], raw);
    for (field, text) in [
        (Field::BADGE, cells.get(LeadField::Badge)),
        (Field::INTEREST, interest.as_str()),
        (Field::PRIORITY, cells.get(LeadField::Priority)),
        (Field::NOTE, note.as_str()),
    ] {
        said.extend(Value::text(text).map(|value| Said::new(field, value, CELL)));
    }
    // A tick on a badge is no consent to advertising, so it stays an attribute.
    let newsletter = Value::text(cells.get(LeadField::Newsletter));
    said.extend(newsletter.map(|value| Said::new(Field::custom(&ctx.source, "newsletter"), value, CELL)));
    for (header, text) in raw.attributes.iter() {
        said.extend(Value::text(text).map(|value| Said::new(Field::custom(&ctx.source, header), value, CELL)));
    }
    said
}

/// Several values in one cell: trimmed, each once whatever its case, joined with "; ".
fn interests(cell: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in cell.split(['|', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        if !kept.iter().any(|known| fold(known) == fold(part)) {
            kept.push(part);
        }
    }
    kept.join("; ")
}

#[cfg(test)]
#[path = "lead_tests.rs"]
mod tests;
