//! Whether a machine wrote the mail.
//!
//! `X-Auto-Response-Suppress` alone says nothing: it asks others not to answer automatically, and
//! Exchange sets it on mails that people wrote.

use mittler_intake::mail::Mail;

use crate::name::fold;

const ABSENT: [&str; 12] = [
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesenheitsassistent",
    "automatic reply",
    "auto-reply",
    "autoreply",
    "auto reply",
    "reponse automatique",
    "risposta automatica",
    "automatisch antwoord",
    "autosvar",
    "odpowiedz automatyczna",
];

/// Words that people begin a subject with too: "Abwesenheit KW 23, bitte vorher liefern". Programs
/// put them alone or before a colon.
const ABSENT_ALONE: [&str; 4] = ["abwesenheit", "abwesend", "out of office", "out of the office"];

const UNDELIVERED: [&str; 8] = [
    "unzustellbar",
    "undeliverable",
    "undelivered mail",
    "delivery status notification",
    "mail delivery failed",
    "mail delivery failure",
    "returned mail",
    "delivery failure",
];

/// `out_of_office`, `bounce`, `list` or `auto_generated`.
pub fn kind(mail: &Mail) -> Option<&'static str> {
    let header =
        |name: &str| mail.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_lowercase());
    let subject = fold(&mail.subject);
    let subject =
        subject.trim_start_matches(['[', '*']).trim_start_matches("extern]").trim_start_matches("external]").trim();
    let daemon = mail.from.as_ref().is_some_and(|from| {
        let local = from.address.split('@').next().unwrap_or("").to_lowercase();
        local == "mailer-daemon" || local == "postmaster"
    });
    let no_return = header("return-path").is_some_and(|path| path == "<>");
    let undelivered = UNDELIVERED.iter().any(|start| subject.starts_with(start));
    if mail.is_bounce || (undelivered && (daemon || no_return)) || (daemon && no_return) {
        return Some("bounce");
    }
    let alone = |start: &str| {
        subject.strip_prefix(start).map(str::trim_start).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with([':', '-', '!'])
                || ["reply", "autoreply", "auto-reply", "re:", "aw:"].iter().any(|word| rest.starts_with(word))
        })
    };
    let absent = ABSENT.iter().any(|start| subject.starts_with(start)) || ABSENT_ALONE.iter().any(|start| alone(start));
    match header("auto-submitted").as_deref() {
        None | Some("no" | "") => {}
        Some(value) if value.starts_with("auto-generated") && !absent => return Some("auto_generated"),
        Some(_) => return Some("out_of_office"),
    }
    let replied = ["x-autoreply", "x-autorespond", "x-autoresponse", "x-autoreply-from", "x-auto-reply-from"]
        .iter()
        .any(|name| header(name).is_some())
        || header("x-apple-action").is_some_and(|action| action == "vacation")
        || header("delivered-to").is_some_and(|to| to == "autoresponder")
        || (header("x-ms-exchange-inbox-rules-loop").is_some() && header("x-auto-response-suppress").is_some())
        || header("precedence").is_some_and(|value| value == "auto_reply");
    if replied || absent {
        return Some("out_of_office");
    }
    let list = ["list-id", "list-unsubscribe", "feedback-id"].iter().any(|name| header(name).is_some())
        || header("precedence").is_some_and(|value| matches!(value.as_str(), "bulk" | "list" | "junk"));
    if list {
        return Some("list");
    }
    no_return.then_some("auto_generated")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, headers: &[(&str, &str)]) -> Mail {
        Mail {
            subject: subject.into(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Mail::default()
        }
    }

    #[test]
    fn a_machine_is_known_by_its_headers_or_its_subject() {
        assert_eq!(kind(&mail("x", &[("auto-submitted", "auto-replied (vacation)")])), Some("out_of_office"));
        assert_eq!(kind(&mail("x", &[("auto-submitted", "auto-generated")])), Some("auto_generated"));
        assert_eq!(kind(&mail("x", &[("list-id", "<news.example>")])), Some("list"));
        assert_eq!(
            kind(&mail("Automatische Antwort: Ihr Besuch", &[("x-auto-response-suppress", "All")])),
            Some("out_of_office")
        );
        assert_eq!(kind(&mail("[EXTERN] Abwesenheitsnotiz", &[])), Some("out_of_office"));
        for subject in
            ["Abwesenheit", "Abwesend: AW: Angebot", "Out of Office AutoReply: Offer", "Abwesenheitsassistent"]
        {
            assert_eq!(kind(&mail(subject, &[])), Some("out_of_office"), "{subject}");
        }
        assert_eq!(kind(&mail("x", &[("return-path", "<>")])), Some("auto_generated"));
    }

    #[test]
    fn a_person_who_answers_is_no_machine() {
        assert_eq!(kind(&mail("AW: Angebot", &[("x-auto-response-suppress", "All"), ("auto-submitted", "no")])), None);
        assert_eq!(kind(&mail("Re: Ich bin ab Montag wieder im Büro", &[])), None);
        assert_eq!(kind(&mail("Abwesenheit KW 23, bitte vorher liefern", &[])), None);
        assert_eq!(kind(&mail("Out of office next week, can we talk before?", &[])), None);
        assert_eq!(kind(&mail("AW: Automatische Antwort: Ihr Besuch", &[])), None);
    }
}
