use super::*;

fn refused(heading: &str, value: &str, way: Way) -> bool {
    matches!(read(heading, value), Some(Consent::Refused(ways)) if ways.contains(&way))
}

#[test]
fn a_refusal_is_found_in_the_words_of_many_countries() {
    for (heading, value) in [
        ("Do not contact", "1"),
        ("DoNotCall", "true"),
        ("HasOptedOutOfEmail", "TRUE"),
        ("Opt-out", "x"),
        ("Unsubscribed at", "2026-03-02 11:15"),
        ("Consent status", "Declined"),
        ("Opted in?", "No"),
        ("May we contact you by phone?", "no, thanks"),
        ("Marketing consent (yes/no)", "No"),
        ("Kontakt-Erlaubnis", "keine"),
        ("Einwilligung E-Mail-Werbung", "nicht erteilt"),
        ("Einwilligung", "widerrufen am 3.4."),
        ("Keine Anrufe", "ja"),
        ("Werbewiderspruch", "X"),
        ("Newsletter", "abgemeldet"),
        ("Newsletter-Einwilligung (ja/nein)", "nein"),
        ("Dürfen wir Sie anrufen?", "Nein"),
        ("Consentement marketing", "Non"),
        ("Ne pas contacter", "oui"),
        ("Désabonné", "Vrai"),
        ("Consenso al marketing", "no"),
        ("Non contattare", "sì"),
        ("Consentimiento publicidad", "No"),
        ("No llamar", "sí"),
        ("Consentimento de marketing", "não"),
        ("Toestemming nieuwsbrief", "nee"),
        ("Niet bellen", "ja"),
        ("Zgoda na kontakt", "nie"),
        ("Nie dzwonić", "tak"),
        ("Souhlas se zasíláním", "ne"),
        ("Nekontaktovat", "ano"),
        ("Hozzájárulás", "nem"),
        ("Samtycke till utskick", "nej"),
        ("Ring inte", "ja"),
        ("Samtykke", "nei"),
        ("Samtykke til markedsføring", "nej"),
        ("İletişim izni", "hayır"),
        ("Reklam istemiyorum", "evet"),
    ] {
        assert!(
            matches!(read(heading, value), Some(Consent::Refused(_))),
            "{heading}: {value}: {:?}",
            read(heading, value)
        );
    }
}

#[test]
fn a_consent_is_a_consent_and_a_refusal_denied_is_neither() {
    for (heading, value) in [
        ("GDPR consent", "Yes"),
        ("Kontakterlaubnis", "E-Mail, Telefon"),
        ("Einwilligung Werbung", "erteilt"),
        ("Einwilligung vom", "15.04.2026"),
        ("Zgoda marketingowa", "tak"),
        ("Opt-in status", "Opted in"),
        ("Newsletter", "Ja, gerne"),
        ("Consensement à la prospection", "d'accord"),
        ("Not unsubscribed", "yes"),
    ] {
        assert_eq!(read(heading, value), Some(Consent::Given), "{heading}: {value}");
    }
    for (heading, value) in [
        ("Do not contact", "0"),
        ("Email opt out", "false"),
        ("Keine Werbung", "nein"),
        ("Unsubscribed", "no"),
        ("Einwilligung", "k. A."),
        ("Newsletter", "nein"),
        ("Newsletter", "Nein danke"),
        ("Consent", "not asked"),
    ] {
        assert_eq!(read(heading, value), Some(Consent::Unsaid), "{heading}: {value}");
    }
}

#[test]
fn what_is_refused_is_the_way_that_is_named() {
    assert!(refused("Anrufe erlaubt", "nein", Way::Phone) && !refused("Anrufe erlaubt", "nein", Way::Any));
    assert!(refused("Email Opt Out", "1", Way::Email) && !refused("Email Opt Out", "1", Way::Phone));
    assert!(refused("Do not contact by", "phone", Way::Phone));
    assert!(refused("Do not contact", "yes", Way::Any));
    assert!(refused("Zgoda marketingowa", "nie", Way::Advertising));
    assert!(refused("Einwilligung", "nein", Way::Any));
}

#[test]
fn what_speaks_of_consent_and_is_not_understood_is_unclear() {
    for (heading, value) in
        [("Einwilligung", "siehe Formular"), ("Consent", "level 3 of 5"), ("Newsletter", "monatlich"), ("Zgoda", "17")]
    {
        assert_eq!(read(heading, value), Some(Consent::Unclear), "{heading}: {value}");
    }
}

#[test]
fn other_columns_do_not_speak_of_consent() {
    for (heading, value) in [
        ("Budget", "nein"),
        ("Katalog senden", "nein"),
        ("Wer ruft an?", "Frau Brandt"),
        ("Marketing contact status", "Non-marketing contact"),
        ("Reklamation", "nein"),
        ("Interesse Werbetechnik", "nein"),
        ("Rückruf gewünscht", "nein"),
        ("Mailing", "Frühjahr"),
        ("Kontaktdatum", "15.04.2026"),
        ("Nachricht", "0"),
    ] {
        assert_eq!(read(heading, value), None, "{heading}: {value}");
    }
}
