//! Signatures line by line.

use super::*;

fn of(text: &str) -> Signature {
    let lines: Vec<&str> = text.lines().collect();
    read(&lines, "DE")
}

fn numbers(phones: &[Phone]) -> Vec<&str> {
    phones.iter().map(|phone| phone.e164.as_str()).collect()
}

#[test]
fn a_signature_gives_position_company_and_numbers() {
    let signature = of(
        "Leiter Instandhaltung\n\nSpindelwerk Ostalb GmbH\nGießereiweg 14 | 73430 Aalen\nTel.: +49 7361 48120-37\nMobil: +49 171 5550114\nwww.spindelwerk-ostalb.example\n\nSitz der Gesellschaft: Aalen | Amtsgericht Ulm HRB 990114\nGeschäftsführer: Bruno Kneule",
    );
    assert_eq!(signature.position.as_deref(), Some("Leiter Instandhaltung"));
    assert_eq!(signature.company.unwrap().name, "Spindelwerk Ostalb GmbH");
    assert_eq!(numbers(&signature.phones), ["+4973614812037", "+491715550114"]);
    assert_eq!((signature.postal_code.as_deref(), signature.city.as_deref()), (Some("73430"), Some("Aalen")));
    assert_eq!(signature.register.as_deref(), Some("Ulm HRB 990114"));
}

#[test]
fn an_extension_alone_replaces_the_last_group_of_the_switchboard() {
    let signature = of(
        "Bereichsleiter Technik\nRheinlogik Sortieranlagen GmbH\nZentrale:   +49 (0)221 4710-200\nDurchwahl:  -258\nTelefax:    +49 (0)221 4710-299\nMobil:      +49 (0)172 9925904",
    );
    assert_eq!(numbers(&signature.phones), ["+492214710258", "+491729925904"]);
    assert_eq!(numbers(&signature.switchboards), ["+492214710200"]);
}

#[test]
fn managing_directors_of_the_legal_notice_are_not_the_senders_position() {
    let notice = of("Geschäftsführung: Dr. Agnes Wrede (Vors.), Tilo Kampmann\nGF Hans Müller");
    assert_eq!(notice.position, None);
    assert_eq!(of("Geschäftsführer\nImmendorf Pumpenbau GmbH").position.as_deref(), Some("Geschäftsführer"));
    assert_eq!(of("Geschäftsführer: Bruno Kneule, Tel. 0711 5550-1").phones, []);
}

#[test]
fn postcodes_dates_and_numbers_of_customers_are_no_phones() {
    for text in [
        "Hafenstr. 2 | 89073 Ulm",
        "D-89073 Ulm",
        "89073 Ulm",
        "Hannover Messe 20.-24.04.2026",
        "Motek 06.-09.10.2026, Halle 3",
        "Besuchen Sie uns vom 06.10.2026 bis 09.10.2026",
        "Kunden-Nr. 714455",
        "Kundennummer 0711445566",
        "ISO 45001:2018",
        "Steuer-Nr. 99123/45678",
        "BLZ 60050101",
        "Konto 0711445566",
        "Service 0800 5550123",
        "Tel. 0180 5 555012",
    ] {
        let found = of(text);
        assert_eq!((found.phones, found.switchboards), (vec![], vec![]), "{text}");
    }
    for text in ["Hafenstr. 2 | 89073 Ulm", "Hafenstr. 2, D-89073 Ulm", "Hafenstr. 2, 89073 Ulm, Tel. 0731 55501"] {
        let found = of(text);
        assert_eq!((found.street.as_deref(), found.city.as_deref()), (Some("Hafenstr. 2"), Some("Ulm")), "{text}");
        assert_eq!(found.phones.len(), usize::from(text.contains("Tel")), "{text}");
    }
    for text in ["Tel. 7361 48120-37", "D: 07361 48120-37", "T +49 7361 48120-37", "(07361) 48120-37"] {
        assert_eq!(numbers(&of(text).phones), ["+4973614812037"], "{text}");
    }
}

#[test]
fn lines_that_nobody_writes_by_hand_are_skipped() {
    let long = format!("Tel. 0711 5550435 {}", "0171 5550114 / ".repeat(20_000));
    assert_eq!(of(&format!("{long}\nTel. 0731 55501")).phones.len(), 1);
}

#[test]
fn the_stand_by_number_and_the_fax_are_not_the_senders() {
    let signature = of(
        "Wassermeister\nStadtwerke Oberwiesbach GmbH\nTel. 09371 55721, Bereitschaft 0160 5550112 (nur Notfälle!)\nFax 09371 55799",
    );
    assert_eq!(numbers(&signature.phones), ["+49937155721"]);
}
