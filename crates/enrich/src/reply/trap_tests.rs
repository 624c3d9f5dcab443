//! Mails that seem to say something new of their sender and do not, and those that do in the same
//! words.

use super::*;

struct Case {
    from: &'static str,
    text: &'static str,
    /// What is said, as `field=value` or `field!value` for what displaces nothing; `-` for cleared.
    said: &'static [&'static str],
}

fn read(case: &Case) -> ReplyReading {
    let user = fold(case.from).replace(' ', ".");
    let from = mail::Mailbox { name: Some(case.from.into()), address: format!("{user}@firma.example") };
    let mail = Mail { from: Some(from), subject: "AW: Angebot".into(), text: case.text.into(), ..Mail::default() };
    let ctx = Context {
        source: "mail".into(),
        default_country: "DE".into(),
        time_zone: "Europe/Berlin".into(),
        fair: None,
        received_at: Time(0),
    };
    read_reply(&mail, &ctx).unwrap()
}

/// All but the sender's own address and name.
fn news(reading: &ReplyReading) -> Vec<String> {
    let own = |said: &&Said| {
        [Field::FIRST_NAME, Field::LAST_NAME, Field::TITLE].contains(&said.field) && said.how != STATEMENT
            || said.value.as_ref().is_some_and(|value| value.display() == reading.sender)
    };
    let mut news: Vec<String> = reading
        .person
        .said
        .iter()
        .filter(|said| !own(said))
        .map(|said| match &said.value {
            Some(value) => {
                let sign = if said.made_by.is_some() { '!' } else { '=' };
                format!("{}{sign}{}", said.field.as_str(), value.display())
            }
            None => format!("{}-{}", said.field.as_str(), said.key.as_deref().unwrap_or_default()),
        })
        .collect();
    news.sort();
    news
}

fn check(cases: &[Case]) {
    let mut faults = Vec::new();
    for case in cases {
        let found = news(&read(case));
        let mut wanted: Vec<&str> = case.said.to_vec();
        wanted.sort_unstable();
        if found != wanted {
            faults.push(format!("{}\n  wanted {wanted:?}\n  found  {found:?}", case.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn nothing(texts: &[&'static str]) {
    let cases: Vec<Case> = texts.iter().map(|text| Case { from: "Nora Anders", text, said: &[] }).collect();
    check(&cases);
}

#[test]
fn who_writes_for_the_sender_is_not_the_sender() {
    for text in [
        "The date is fine.\n\nKind regards\nMary Poppins\nPersonal Assistant to Nora Anders\nAnders GmbH\nPhone +49 40 3344-50\nMobile +49 172 5556667",
        "The date is fine.\n\nKind regards\nPersonal Assistant to Nora Anders\nPhone +49 40 3344-50",
        "The date is fine.\n\nKind regards\nMary Poppins\non behalf of Nora Anders\nPhone +49 40 3344-50",
        "Passt.\n\nMit freundlichen Grüßen\nMary Poppins\nAssistenz von Nora Anders\nTel. 040 3344-50",
        "im Auftrag von Frau Anders:\nder Termin passt.\n\nMit freundlichen Grüßen\ni. A. Gisela Sekret\nSekretariat\nAnders GmbH\nTel. 040 111000-50",
        "Passt.\n\nMit freundlichen Grüßen\n\ni. V. Klaus Vertreter\nAnders GmbH\nTel. 040 3344-65",
        "Passt.\n\nMit freundlichen Grüßen\ni. A.\nWinfriede Xylander\nTel. 040 3344-65",
        "Meine neue Nummer ist 040 3344-65.\n\nMit freundlichen Grüßen\nppa. Klaus Vertreter\nTel. 040 3344-65",
        "Fine.\n\nBest regards\np.p. Gwendolyn Fairfax\nTel. 040 3344-65",
        "Passt.\n\nMit freundlichen Grüßen\nPetra Anders\nBuchhaltung\nAnders GmbH\nTel. 040 3344-36",
        "Fine.\n\nBest regards\nGwendolyn Fairfax\nfor Nora Anders\nTel. 040 3344-36",
        "Passt.\n\nMit freundlichen Grüßen\nBüro Nora Anders\nTel. 040 3344-36",
    ] {
        let reading = read(&Case { from: "Nora Anders", text, said: &[] });
        assert_eq!(news(&reading), Vec::<String>::new(), "{text}");
        assert!(reading.organisation.is_none(), "{text}");
    }
    check(&[
        Case {
            from: "Nora Anders",
            text: "Passt.\n\nMit freundlichen Grüßen\n\nppa. Nora Anders\nProkuristin\nAnders GmbH\nTel. 040 3344-64",
            said: &["position=Prokuristin", "company=Anders GmbH", "phones=+4940334464"],
        },
        Case {
            from: "Nora Anders",
            text: "Passt.\n\nMit freundlichen Grüßen\nNora Anders\nAssistentin der Geschäftsleitung\nAnders GmbH\nTel. 040 3344-64",
            said: &["position=Assistentin der Geschäftsleitung", "company=Anders GmbH", "phones=+4940334464"],
        },
        Case {
            from: "Nora Anders",
            text: "Fine.\n\nBest regards\nNora Anders | Executive Assistant | Anders GmbH | T +49 40 3344-64",
            said: &["position=Executive Assistant", "company=Anders GmbH", "phones=+4940334464"],
        },
    ]);
}

#[test]
fn a_relative_with_the_same_surname_is_not_the_sender() {
    check(&[Case {
        from: "Njoku Zander",
        text: "Passt.\n\nMit freundlichen Grüßen\nPetra Zander\nEinkauf\nTel. 040 3344-36",
        said: &[],
    }]);
}

#[test]
fn a_company_called_like_a_person_is_no_other_person() {
    check(&[
        Case {
            from: "Nora Anders",
            text: "Passt.\n\nMit freundlichen Grüßen\nNora Anders\nHans Huber Metallbau\nTel. 040 3344-36",
            said: &["phones=+4940334436"],
        },
        Case {
            from: "Nora Anders",
            text: "Für Anders GmbH bitte ein Angebot.\n\nMit freundlichen Grüßen\nNora Anders\nTel. 040 3344-36",
            said: &["phones=+4940334436"],
        },
    ]);
}

#[test]
fn a_word_before_the_name_is_no_part_of_it() {
    for signed in ["Ihre Nora Anders", "Danke Nora Anders", "Nora Anders"] {
        let text = format!("Passt.\n\nMit freundlichen Grüßen\n{signed}\nEinkauf").leak();
        let reading = read(&Case { from: "Nora Anders", text, said: &[] });
        let first = reading.person.said.iter().find(|said| said.field == Field::FIRST_NAME);
        assert_eq!(first.and_then(|said| said.value.as_ref()).map(Value::display).as_deref(), Some("Nora"), "{signed}");
    }
}

#[test]
fn numbers_of_others_below_the_signature_are_not_the_senders() {
    const SIGNED: &[&str] = &["position=Einkäuferin", "company=Anders GmbH", "phones=+4940334410"];
    let signature = "Danke.\n\nMit freundlichen Grüßen\nNora Anders\nEinkäuferin\nAnders GmbH\nTel. 040 3344-10\n";
    for below in [
        "Assistenz: Gabi Vorzimmer, Tel. 040 3344-33, Mobil 0171 3334445",
        "Assistenz: Gabi Vorzimmer | Tel. 040 3344-33 | Mobil 0171 3334445",
        "Assistant: Gabi Vorzimmer, phone +49 40 3344-33",
        "\nBei Fragen zur Rechnung: Frau Müller, Tel. 040 3344-31",
        "\nFor questions about your invoice: Mrs. Miller, Tel. 040 3344-31",
        "\nBuchhaltung: Tel. 040 3344-31",
        "\nP.S. Herr Krause (Vertriebsleiter der Krause AG, Tel. 040 3344-73) lässt grüßen.",
        "\nIhre Ansprechpartnerin:\nGabi Vorzimmer\nTel. 040 3344-33",
        "\nPeter Vorzimmer\nVertrieb\nTel. 040 3344-33",
        "\nWir suchen Verstärkung: Leiter Vertrieb (m/w/d)\nBewerbung unter 040 3344-35",
        "\nWe are hiring: Head of Sales (m/f/d)\nTel. 040 3344-35",
        "\nAb 1.12. erreichen Sie unseren Notdienst unter 0172 9990001.",
        "Mobil (nur bis 31.12.2026): 0171 3334445",
        "Tel. alt: 040 3344-09",
        "Tel. ab 1.1.2027: 040 9999-10",
        "Tel. 040 3344-XX",
        "Homeoffice: 030 5550001",
        "Backup: Peter Miller, +49 40 3344-11",
        "In my absence please contact Peter Miller, +49 40 3344-11",
        "Vertreten durch: Peter Miller, Tel. 040 3344-11",
        "Spedition: Transport AG, Tel. 040 9999-11",
    ] {
        let reading = read(&Case { from: "Nora Anders", text: &format!("{signature}{below}").leak()[..], said: &[] });
        let mut wanted: Vec<&str> = SIGNED.to_vec();
        wanted.sort_unstable();
        assert_eq!(news(&reading), wanted, "{below}");
    }
}

#[test]
fn a_postscript_may_state_something_as_the_text_does() {
    check(&[Case {
        from: "Nora Anders",
        text: "Passt.\n\nNora Anders\nEinkäuferin\n\nP.S. Meine neue Nummer ist 040 3344-12.",
        said: &["position=Einkäuferin", "phones=+4940334412"],
    }]);
}

#[test]
fn groups_partners_mottos_and_adverts_are_neither_company_nor_position() {
    for text in [
        "Ein Unternehmen der Mega Holding AG\nZertifiziert durch TÜV Süd AG",
        "Member of the Mega Group AG",
        "A company of Mega Holding plc",
        "Offizieller Partner der Siemens AG",
        "Ihr Partner für Antriebstechnik",
        "Your partner in sales and service",
        "Der Spezialist für Logistik",
        "Wir beraten Sie gern im Einkauf",
        "Service: Montag bis Freitag",
        "external consultant for Siemens AG",
        "Autorisierter Händler für Festo SE",
        "formerly Altland AG",
        "c/o Huber GmbH",
        "Spedition: Transport AG",
    ] {
        let text = format!("Danke.\n\nMit freundlichen Grüßen\nNora Anders\n{text}").leak();
        check(&[Case { from: "Nora Anders", text, said: &[] }]);
    }
    check(&[
        Case {
            from: "Mona Anders",
            text: "Passt.\n\nIhr Team der Anders GmbH\nService-Hotline 0800 1234567\nTel. 040 3344-0",
            said: &[],
        },
        Case {
            from: "Mona Anders",
            text: "Fine.\n\nBest regards\nYour team at Anders Ltd\nTel. 040 3344-0",
            said: &[],
        },
        Case {
            from: "Gerd Anders",
            text: "Danke.\n\nMit freundlichen Grüßen\nGerd Anders\n\nAnders GmbH - Partner der Siemens AG\nVertretungsberechtigter Geschäftsführer: Max Boss",
            said: &["company=Anders GmbH"],
        },
        Case {
            from: "Gerd Anders",
            text: "Danke.\n\nMit freundlichen Grüßen\nGerd Anders\nInstitut für Mikrotechnik Mainz GmbH",
            said: &["company=Institut für Mikrotechnik Mainz GmbH"],
        },
        Case {
            from: "Gerd Anders",
            text: "Danke.\n\nMit freundlichen Grüßen\nGerd Anders\nNeuland AG (vormals Altland AG)",
            said: &["company=Neuland AG"],
        },
        Case {
            from: "Gerd Anders",
            text: "Fine.\n\nBest\nGerd Anders\nSales Director\nAnders GmbH | Part of Mega Holding plc",
            said: &["company=Anders GmbH", "position=Sales Director"],
        },
        Case {
            from: "Gerd Anders",
            text: "Danke.\n\nMit freundlichen Grüßen\nGerd Anders\nGeschäftsführer der Anders GmbH",
            said: &["company=Anders GmbH", "position=Geschäftsführer"],
        },
        Case {
            from: "Gerd Anders",
            text: "Fine.\n\nBest\nGerd Anders\nHead of Sales at Bar Ltd",
            said: &["company=Bar Ltd", "position=Head of Sales"],
        },
    ]);
}

#[test]
fn what_is_denied_asked_quoted_or_cut_off_is_not_stated() {
    nothing(&[
        "Ich wechsle nicht zur Konkurrenz AG. Meine Nummer ist nicht 040 3344-55.",
        "My number is not +49 40 3344-55.",
        "Das ist nicht meine Nummer: 040 3344-55.",
        "Bitte rufen Sie mich nicht unter 040 3344-55 an.",
        "Please don't call me at +49 40 3344-55.",
        "Meine Nummer 040 3344-55 ist bei Ihnen falsch.",
        "Meine Nummer 040 3344-55 nutze ich nicht mehr.",
        "Meine Nummer hat sich nicht geändert. Die Nummer 040 3344-62 ist falsch!",
        "Wenn Sie schreiben \"meine neue Nummer ist 040 3344-67\", glaube ich das nicht.",
        "Ist meine neue Nummer 040 3344-68 bei Ihnen angekommen?",
        "Meine Nummer ist 040 3344-68, richtig?",
        "meine Nummer: 040-3344-ZEHN bzw. 0800-MITTLER.",
        "Meine neue Nummer ist 0171 555xxxx.",
        "My new number is +49 171 5550...",
        "Wir firmieren nicht als Konkurrenz GmbH.",
        "Ich bin seit Mai nicht Leiter Einkauf.",
        "Ich bin seit Mai kein Leiter Einkauf mehr.",
    ]);
    check(&[
        Case {
            from: "Nora Anders",
            text: "Meine Nummer ist nicht 040 3344-55, sondern 040 3344-56.",
            said: &["phones=+4940334456"],
        },
        Case {
            from: "Nora Anders",
            text: "My number is not +49 40 3344-55 but +49 40 3344-56.",
            said: &["phones=+4940334456"],
        },
        Case {
            from: "Nora Anders",
            text: "Please do not hesitate to call me at +49 40 3344-56.",
            said: &["phones=+4940334456"],
        },
    ]);
}

#[test]
fn what_holds_for_a_few_days_or_is_yet_to_come_is_not_taken() {
    nothing(&[
        "ich bin jetzt im Urlaub bei der Tante GmbH. Vom 1. bis 14.12. erreichen Sie mich unter 0034 971 123456.",
        "heute bin ich unter 040 999 8887 (Hotel) erreichbar.",
        "I'm out of the office today, reach me at my home number +49 30 5550001 only this evening.",
        "Ich bin diese Woche im Urlaub. Sie erreichen mich unter 0171 5550114.",
        "I am on vacation. You can reach me at +49 171 5550114.",
        "From 1 to 14 December you can reach me at +49 171 5550114.",
        "Sie erreichen mich im Januar unter 0171 5550114.",
        "Am Messestand erreichen Sie mich unter 0171 5550114.",
        "Solange mein Handy in Reparatur ist, erreichen Sie mich unter 0171 5550114.",
        "Notfalls erreichen Sie mich unter 0171 5550114.",
        "Until Friday please call me at +49 171 5550114.",
        "Am Montag erreichen Sie mich unter 0171 5550114.",
        "Meine private Handynummer ist 0171 5550114.",
        "Meine Nummer ist vorübergehend 0171 5550114.",
        "ab nächstem Jahr bin ich bei der Zukunft GmbH; meine Nummer dort wird 040 3344-69 sein.",
        "My new number will be +49 40 3344-69.",
        "Next month you can reach me at +49 40 3344-69.",
        "Ich bin bis Ende Mai kommissarisch Leiter Einkauf.",
        "Ich bin bis Ende Mai als Berater bei der Zeta GmbH tätig.",
    ]);
    check(&[
        Case {
            from: "Nora Anders",
            text: "Sie erreichen mich von 8 bis 16 Uhr unter 040 3344-56.",
            said: &["phones=+4940334456"],
        },
        Case {
            from: "Nora Anders",
            text: "Ich habe eine neue Nummer: 040 3344-56 (die alte gilt noch bis 31.12.).",
            said: &["phones=+4940334456"],
        },
    ]);
}

#[test]
fn what_is_said_of_others_is_not_the_senders() {
    nothing(&[
        "mein Mann heißt jetzt Peter Kurz und arbeitet bei der Kurz AG als Leiter Vertrieb, Tel. 0711 1234567.",
        "My wife has a new number: +49 711 1234567.",
        "Unser Azubi hat eine neue Nummer: 0711 1234567.",
        "Peter joined Nordwerk Ltd as Head of Sales.",
        "Unser Lieferant heißt jetzt Zulieferer GmbH.",
        "Die Konkurrenz firmiert jetzt als Wettbewerb AG.",
        "We are now customers of Siemens AG.",
        "ich bin jetzt Kunde bei der Telekom Deutschland GmbH und arbeite gern mit der Siemens AG.",
        "Ich bin jetzt Mandant bei der Recht & Gut PartG und dort gern tätig.",
        "I am now a customer of Siemens AG.",
        "Ich wechsle mit meinem Konto zur Sparkasse Köln AG.",
        "Ich bin seit Mai Mitglied bei der Verein AG und dort tätig.",
        "Ich bin jetzt Kunde Ihres Service.",
        "Ich bin jetzt bei meinem Kunden Siemens AG tätig.",
        "Petra und ich haben neue Nummern: 040 3344-55 und 040 3344-56.",
        "Wir haben eine neue Telefonnummer: 040 3344-0.",
        "Die neue Telefonnummer unserer Zentrale lautet 040 3344-0.",
        "Die neue Nummer 0171 5550114 gilt für Frau Ilg.",
        "call me on Peter's phone +49 171 5550114",
        "Sie erreichen mich unter Peters Nummer 0171 5550114.",
        "neue Nummer Fax: 040 3344-99",
        "Meine Mail an petra.ilg@firma.example kam zurück.",
        "Die neue E-Mail von Frau Ilg ist petra.ilg@firma.example.",
    ]);
}

#[test]
fn of_two_numbers_in_a_sentence_the_others_is_left_out() {
    for text in [
        "Meine neue Nummer ist 040 3344-55 und die von Petra 040 3344-56.",
        "Meine neue Nummer ist 040 3344-55, Fax bleibt 040 3344-99.",
    ] {
        check(&[Case { from: "Nora Anders", text, said: &["phones=+4940334455"] }]);
    }
    check(&[Case {
        from: "Nora Anders",
        text: "Sie erreichen mich unter 040 3344-55 oder mobil unter 0171 5550114.",
        said: &["phones=+4940334455", "phones=+491715550114"],
    }]);
}

#[test]
fn two_who_sign_on_one_line_leave_open_whose_the_numbers_are() {
    check(&[Case {
        from: "Nora Anders",
        text: "Danke.\n\nMit freundlichen Grüßen\nppa. Nora Anders   i. V. Peter Müller\nTel. 040 3344-10",
        said: &[],
    }]);
}

#[test]
fn addresses_for_goods_and_bills_are_not_the_companys() {
    let text = "Danke.\n\nMit freundlichen Grüßen\nNora Anders\nAnders GmbH\nHafenstr. 1, 20457 Hamburg\n\nRechnungsadresse: Holding GmbH\nBankweg 3, 60311 Frankfurt";
    let organisation = read(&Case { from: "Nora Anders", text, said: &[] }).organisation.unwrap();
    let city: Vec<String> = organisation
        .said
        .iter()
        .filter(|said| said.field == Field::CITY)
        .filter_map(|said| said.value.as_ref().map(Value::display))
        .collect();
    assert_eq!(city, ["Hamburg"]);
}

#[test]
fn who_has_left_is_not_said_to_be_there() {
    for text in [
        "leider muss ich Ihnen mitteilen, dass ich die Anders GmbH zum 31.10.2026 verlassen habe. Bitte wenden Sie sich künftig an meine Kollegin Olga Iwanowa (olga.iwanowa@firma.example, Tel. 030 4444-77).\n\nViele Grüße\nNora Anders",
        "ich arbeite nicht mehr bei Anders GmbH. Meine Nachfolgerin ist Tina Jung, tina.jung@firma.example, 040 3344-78.\n\nNora Anders",
        "I have left the company at the end of June.\n\nRegards\nNora Anders\nSales Manager\nAnders GmbH\nTel. 040 3344-10",
        "I no longer work for Anders Ltd.\n\nRegards\nNora Anders\nSales Manager\nAnders Ltd\nTel. 040 3344-10",
        "Ich bin aus dem Unternehmen ausgeschieden.\n\nGrüße\nNora Anders\nEinkauf\nAnders GmbH",
        "Ich bin umgezogen und jetzt Rentnerin.\n\nNora Anders\nAnders GmbH",
        "Mein letzter Arbeitstag ist der 30. November.\n\nNora Anders\nEinkauf\nAnders GmbH\nMobil 0171 3334445",
        "Ich bin nicht mehr im Unternehmen. Bitte bestellen Sie künftig bei der Huber GmbH.\n\nNora Anders",
    ] {
        let reading = read(&Case { from: "Nora Anders", text, said: &[] });
        assert_eq!(news(&reading), Vec::<String>::new(), "{text}");
        assert!(reading.organisation.is_none(), "{text}");
    }
    for text in [
        "I have left you a message.\n\nRegards\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
        "Ich habe die Messe schon verlassen.\n\nGrüße\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
        "Ich bin heute nicht mehr bei der Huber GmbH vor Ort.\n\nGrüße\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
        "Ich arbeite nicht mehr in der Abteilung Einkauf bei Anders GmbH, sondern im Vertrieb.\n\nGrüße\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
        "Mein letzter Arbeitstag vor dem Urlaub ist Freitag.\n\nGrüße\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
    ] {
        check(&[Case { from: "Nora Anders", text, said: &["company=Anders GmbH", "phones=+4940334410"] }]);
    }
    check(&[Case {
        from: "Nora Anders",
        text: "Ich bin ab heute nicht mehr bei Anders GmbH, sondern bei der Ypsilon GmbH.\n\nGrüße\nNora Anders\nAnders GmbH\nTel. 040 3344-10",
        said: &["company=Ypsilon GmbH"],
    }]);
}

#[test]
fn a_signature_of_the_new_company_states_the_new_desk() {
    check(&[
        Case {
            from: "Jan Peterson",
            text: "ich bin seit 1. Oktober bei der Neuland AG tätig.\n\nMit freundlichen Grüßen\nJan Peterson\nVertriebsleiter\nNeuland AG\nTel. +49 40 222333-44",
            said: &["company=Neuland AG", "position=Vertriebsleiter", "phones=+494022233344"],
        },
        Case {
            from: "Jan Peterson",
            text: "ich bin seit 1. Oktober bei der Neuland AG tätig.\n\nMit freundlichen Grüßen\nJan Peterson\nVertriebsleiter\nAltland AG\nTel. +49 40 222333-44",
            said: &["company=Neuland AG"],
        },
    ]);
}

#[test]
fn the_new_number_behind_the_old_one_is_taken() {
    check(&[
        Case {
            from: "Max Luchs",
            text: "meine alte Nummer 040 111000-8 ist nicht mehr gültig, die neue lautet 040 111000-80. Meine Handynummer bleibt.\n\nMax Luchs",
            said: &["phones=+494011100080", "phones-+49401110008"],
        },
        Case {
            from: "Max Luchs",
            text: "My old number +49 40 111000-81 is no longer valid, the new one is +49 40 111000-80.",
            said: &["phones=+494011100080", "phones-+494011100081"],
        },
        Case { from: "Max Luchs", text: "Die alte Kollegin geht, die neue ist Petra Ilg, 040 111000-80.", said: &[] },
    ]);
}

#[test]
fn a_new_address_of_the_sender_becomes_the_main_one() {
    for (text, main) in [
        ("meine neue E-Mail-Adresse lautet eva.neu@firma.example.", true),
        ("Meine E-Mail-Adresse ist ab sofort eva.neu@firma.example.", true),
        ("My email address has changed to eva.neu@firma.example.", true),
        ("My new email is eva.neu@firma.example", true),
        ("Sie erreichen mich auch unter eva.neu@firma.example.", false),
    ] {
        let reading = read(&Case { from: "Eva Kernig", text, said: &[] });
        let said = |address: &str| {
            let found = |said: &&Said| said.value.as_ref().is_some_and(|value| value.display() == address);
            reading.person.said.iter().find(found).cloned().unwrap()
        };
        let (old, new) = (said("eva.kernig@firma.example"), said("eva.neu@firma.example"));
        assert_eq!((new.primary, old.made_by.is_some()), (main, main), "{text}");
    }
}

#[test]
fn capitals_are_no_news() {
    check(&[
        Case {
            from: "Ivo Reh",
            text: "thanks.\n\nKind regards\nDr. Ivo Reh, MBA\nLEITER EINKAUF\nREH GMBH\nP: +49 40 111000-66",
            said: &["company!REH GmbH", "position!LEITER EINKAUF", "phones=+494011100066"],
        },
        Case { from: "Ivo Reh", text: "Ich bin seit Mai bei der REH GMBH tätig.", said: &["company=REH GmbH"] },
    ]);
}
