//! What becomes of the lists that people really upload.

use proptest::prelude::*;

use super::*;

fn rows(text: &str) -> (Listed, Vec<Result<RawLead, Problem>>) {
    rows_of(text.as_bytes(), &Options::default())
}

fn rows_of(bytes: &[u8], options: &Options) -> (Listed, Vec<Result<RawLead, Problem>>) {
    let bytes = normalise(bytes);
    let listed = Listed::of(open(&bytes, options).expect("a list"), &bytes);
    let rows = listed.rows.iter().map(|row| read_row(&listed.layout, &bytes[row.bytes.clone()])).collect();
    (listed, rows)
}

/// A sheet with its rows.
struct Listed {
    sheet: Sheet,
    rows: Vec<RowAt>,
}

impl Listed {
    fn of(sheet: Sheet, bytes: &[u8]) -> Listed {
        let rows: Vec<RowAt> = sheet.rows(bytes).collect();
        assert_eq!(rows.len() as u64, sheet.row_count);
        Listed { sheet, rows }
    }
}

impl std::ops::Deref for Listed {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.sheet
    }
}

fn field(lead: &Result<RawLead, Problem>, field: LeadField) -> String {
    lead.as_ref().expect("a lead").fields.get(&field).cloned().unwrap_or_default()
}

fn attribute(lead: &Result<RawLead, Problem>, name: &str) -> String {
    lead.as_ref().expect("a lead").attributes.get(name).cloned().unwrap_or_default()
}

fn code(lead: &Result<RawLead, Problem>) -> &str {
    lead.as_ref().expect_err("a problem").code.as_str()
}

fn meaning(header: &str) -> Option<LeadField> {
    names::meaning(header).map(|(field, _)| field)
}

const HEAD: &str = "Vorname;Nachname;Firma;PLZ;E-Mail\n";

#[test]
fn german_excel_csv_is_read_with_its_umlauts() {
    let (bytes, ..) =
        encoding_rs::WINDOWS_1252.encode("Vorname;Nachname;Straße\r\nJürgen;Häußermann;Göthestraße 12\r\n");
    let (sheet, leads) = rows_of(&bytes, &Options::default());
    assert_eq!(sheet.layout.encoding, "windows-1252");
    assert_eq!(sheet.layout.delimiter, ';');
    assert_eq!(field(&leads[0], LeadField::FirstName), "Jürgen");
    assert_eq!(field(&leads[0], LeadField::Street), "Göthestraße 12");
}

#[test]
fn umlauts_of_dos_programs_are_read() {
    let bytes = b"Vorname;Nachname;Stra\xE1e\r\nJ\x81rgen;H\x84u\xE1ermann;G\x94thestra\xE1e 12\r\n";
    let (_, leads) = rows_of(bytes, &Options::default());
    assert_eq!(field(&leads[0], LeadField::LastName), "Häußermann");
    assert_eq!(field(&leads[0], LeadField::Street), "Göthestraße 12");
}

#[test]
fn a_byte_order_mark_does_not_stick_to_the_first_header() {
    let (sheet, leads) = rows("\u{FEFF}Vorname,Nachname,E-Mail\nEva,Krüger,eva@a.example\n");
    assert_eq!(sheet.layout.columns[0].meaning, Some(LeadField::FirstName));
    assert_eq!(field(&leads[0], LeadField::LastName), "Krüger");
}

#[test]
fn utf_16_with_and_without_a_mark_is_read() {
    let text = "Vorname\tNachname\tFirma\nJürgen\tMüller\tÄhre AG\n";
    for (mark, little) in [(true, true), (true, false), (false, true), (false, false)] {
        let mark = if mark { "\u{FEFF}" } else { "" };
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        let bytes: Vec<u8> =
            units.iter().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect();
        let (sheet, leads) = rows_of(&bytes, &Options::default());
        assert_eq!(sheet.layout.encoding, "UTF-8");
        assert_eq!(field(&leads[0], LeadField::Company), "Ähre AG");
    }
}

#[test]
fn one_row_in_another_encoding_does_not_spoil_a_utf_8_file() {
    let mut bytes = "Vorname;Nachname\nJürgen;Müller\nGünther;Weiß\nBärbel;Größe\nZoë;Çelik\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"J\xF6rg;Sch\xE4fer\n");
    let (sheet, leads) = rows_of(&bytes, &Options::default());
    assert_eq!(sheet.layout.encoding, "UTF-8");
    assert_eq!(field(&leads[0], LeadField::LastName), "Müller");
    assert_eq!(field(&leads[4], LeadField::FirstName), "Jörg");
}

#[test]
fn twice_encoded_cells_are_repaired_and_others_left_alone() {
    let (_, leads) = rows("Vorname;Nachname;Notiz\nJÃ¼rgen;MÃ¼ller;GrÃ¶ÃŸe â€“ 5 â‚¬\nÂngela;ÃO;naïve Ã¤\n");
    assert_eq!(field(&leads[0], LeadField::FirstName), "Jürgen");
    assert_eq!(field(&leads[0], LeadField::LastName), "Müller");
    assert_eq!(field(&leads[0], LeadField::Note), "Größe – 5 €");
    assert_eq!(field(&leads[1], LeadField::FirstName), "Ângela");
    assert_eq!(field(&leads[1], LeadField::Note), "naïve Ã¤", "half of it is right, so nothing is touched");
}

#[test]
fn the_separator_line_of_excel_is_obeyed_and_no_row() {
    let (sheet, leads) = rows("sep=|\nVorname|Nachname|Notiz\nEva|Krüger|a;b;c;d;e;f\n");
    assert_eq!((sheet.layout.delimiter, sheet.header_line, sheet.rows[0].line), ('|', 2, 3));
    assert_eq!(field(&leads[0], LeadField::Note), "a;b;c;d;e;f");
}

#[test]
fn delimiters_within_quotes_do_not_vote() {
    let (sheet, leads) = rows("Vorname,Nachname,Notiz\nEva,Krüger,\"a;b;c\"\nUwe,Lang,\"x;y;z\"\n");
    assert_eq!(sheet.layout.delimiter, ',');
    assert_eq!(field(&leads[1], LeadField::Note), "x;y;z");
    let (sheet, _) = rows("Vorname;Nachname;Interesse\nEva;Krüger;A|B|C\nUwe;Lang;D|E|F\n");
    assert_eq!(sheet.layout.delimiter, ';');
}

#[test]
fn single_quotes_are_quotes_only_where_whole_cells_stand_in_them() {
    let (sheet, leads) = rows("'Vorname','Nachname'\n'Eva','O''Neill'\n'Uwe','Lang, sen.'\n");
    assert_eq!(sheet.layout.quote, '\'');
    assert_eq!(field(&leads[0], LeadField::LastName), "O'Neill");
    assert_eq!(field(&leads[1], LeadField::LastName), "Lang, sen.");
    let (sheet, leads) = rows("Vorname,Nachname\nEva,O'Neill\nUwe,D'Angelo\n");
    assert_eq!((sheet.layout.quote, field(&leads[1], LeadField::LastName)), ('"', "D'Angelo".to_owned()));
}

#[test]
fn titles_above_the_header_are_skipped() {
    let (sheet, leads) = rows(
        "Besucherscans Halle 7, Stand B42, Dortmund\n\nExport vom 17.04.2026;;;\nVorname;Nachname;Firma;Ort\nEva;Krüger;Ähre AG;Ulm\n",
    );
    assert_eq!((sheet.header_line, sheet.rows[0].line), (4, 5));
    assert_eq!(field(&leads[0], LeadField::City), "Ulm");
}

#[test]
fn a_header_of_unknown_names_is_found_by_its_looks() {
    let (sheet, leads) = rows("Liste\nFeld A;Feld B;Feld C\n1;2;x\n3;4;y\n");
    assert_eq!(sheet.header_line, 2);
    assert!(sheet.layout.columns.iter().all(|column| column.meaning.is_none()));
    assert_eq!(attribute(&leads[1], "Feld B"), "4");
}

#[test]
fn files_without_text_or_header_are_refused_with_a_reason() {
    let refused = |bytes: &[u8]| open(bytes, &Options::default()).expect_err("refused").code;
    assert_eq!(refused(b""), "empty");
    assert_eq!(refused(b" \r\n \n"), "empty");
    assert_eq!(refused(b"PK\x03\x04\x14\x00\x06\x00"), "not_text");
    assert_eq!(refused(&[1, 2, 3, 200, 5, 6, 7, 201, 8, 1]), "not_text");
    assert_eq!(refused(b"1;2;3\n4;5;6\n"), "no_header");
    let odd = Options { encoding: Some("klingon".into()), ..Options::default() };
    assert_eq!(open(b"Vorname;Nachname\na;b\n", &odd).expect_err("refused").code, "unknown_encoding");
    let odd = Options { delimiter: Some('ä'), ..Options::default() };
    assert_eq!(open(b"Vorname;Nachname\na;b\n", &odd).expect_err("refused").code, "unknown_delimiter");
}

#[test]
fn a_note_over_several_lines_is_one_row_and_lines_are_counted_as_an_editor_does() {
    let (sheet, leads) =
        rows("Vorname;Notiz;Ort\r\nEva;\"1. Angebot; bald\n2. Rückruf \"\"heute\"\"\";Ulm\r\nUwe;kurz;Köln\r\n");
    assert_eq!(field(&leads[0], LeadField::Note), "1. Angebot; bald\n2. Rückruf \"heute\"");
    assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(field(&leads[1], LeadField::City), "Köln");
}

#[test]
fn a_quote_that_never_closes_costs_one_row() {
    let (sheet, leads) =
        rows(&format!("{HEAD}Eva;\"Krüger;Ähre AG;89073;e@a.example\nUwe;Lang;Lang KG;50667;u@l.example\n"));
    assert_eq!(sheet.rows.len(), 2);
    assert_eq!(code(&leads[0]), "quote_unclosed");
    assert_eq!(field(&leads[1], LeadField::Email), "u@l.example");
}

#[test]
fn a_forgotten_quote_that_a_later_cell_closes_costs_one_row() {
    let (sheet, leads) = rows(&format!(
        "{HEAD}Eva;\"Krüger;Ähre AG;89073;e@a.example\nUwe;\"Lang\";Lang KG;50667;u@l.example\nIda;Bär;\"Bär, Söhne\";1;i@b.example\n"
    ));
    assert_eq!(sheet.rows.len(), 3);
    assert_eq!(code(&leads[0]), "quote_unclosed");
    assert_eq!(field(&leads[1], LeadField::LastName), "Lang");
    assert_eq!(field(&leads[2], LeadField::Company), "Bär, Söhne");
}

#[test]
fn a_file_full_of_forgotten_quotes_keeps_all_its_rows() {
    let body = "\"Eva;Krüger;A;1;e@a.example\n".repeat(200);
    let (sheet, leads) = rows(&format!("{HEAD}{body}"));
    assert_eq!(sheet.rows.len(), 200);
    assert!(leads.iter().all(|lead| code(lead) == "quote_unclosed"));
}

#[test]
fn quotes_within_a_cell_are_characters() {
    let (_, leads) =
        rows("Vorname;Notiz;Ort\nEva;Flansch 3\" und Welle 1 1/2\" anbieten;Ulm\nUwe;\"Firma \"Adler\" GmbH\";Köln\n");
    assert_eq!(field(&leads[0], LeadField::Note), "Flansch 3\" und Welle 1 1/2\" anbieten");
    assert_eq!(field(&leads[1], LeadField::Note), "Firma \"Adler\" GmbH");
}

#[test]
fn trailing_empty_cells_may_be_missing_or_too_many() {
    let (_, leads) = rows("Vorname;Nachname;Firma;Notiz\nEva;Krüger;Ähre AG\nUwe;Lang;Lang KG;ok;;;\n");
    assert_eq!(field(&leads[0], LeadField::Company), "Ähre AG");
    assert_eq!(field(&leads[1], LeadField::Note), "ok");
}

#[test]
fn rows_that_do_not_fit_the_header_are_problems() {
    let (_, leads) = rows(&format!(
        "{HEAD}Eva\nEva;Krüger;Ähre; Söhne;89073;e@a.example\nEva;Krüger;89073;e@a.example\nEva;\"Krüger;Ähre AG\";89073;e@a.example\n"
    ));
    assert_eq!(
        leads.iter().map(code).collect::<Vec<_>>(),
        ["columns_missing", "columns_excess", "columns_missing", "columns_missing"]
    );
}

#[test]
fn rows_that_were_never_leads_say_so() {
    let (sheet, leads) = rows(&format!(
        "{HEAD}Eva;Krüger;A;1;e@a.example\n;;;;\n\n ; ;;;\nVorname;Nachname;Firma;PLZ;E-Mail\nUwe;Lang;L;2;u@l.example\nSumme der Scans 2;;;;\n;;;;\n;;;;\n"
    ));
    let codes: Vec<_> = leads.iter().map(|lead| lead.as_ref().err().map(|problem| problem.code.as_str())).collect();
    assert_eq!(codes, [None, Some("blank"), Some("blank"), Some("header_repeated"), None, Some("footer")]);
    assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 5, 6, 7, 8]);
}

#[test]
fn nothing_but_trimming_happens_to_cells() {
    let (_, leads) = rows("Vorname;Telefon;Notiz;Website\n  Eva ;+49 0171/5550114;=HYPERLINK(\"x\");a\u{0}b\u{1}c\n");
    assert_eq!(field(&leads[0], LeadField::FirstName), "Eva");
    assert_eq!(field(&leads[0], LeadField::Phone), "+49 0171/5550114");
    assert_eq!(field(&leads[0], LeadField::Note), "=HYPERLINK(\"x\")");
    assert_eq!(field(&leads[0], LeadField::Website), "abc");
}

#[test]
fn rows_longer_than_a_megabyte_are_problems() {
    let (_, leads) = rows(&format!("Vorname;Notiz\nEva;{}\nUwe;kurz\n", "x".repeat(1024 * 1024)));
    assert_eq!(code(&leads[0]), "row_too_long");
    assert_eq!(field(&leads[1], LeadField::FirstName), "Uwe");
}

#[test]
fn columns_with_the_same_header_stay_apart() {
    let (sheet, leads) = rows("Vorname;Notiz;Notiz;;Notiz\nEva;a;b;c;d\n");
    let names: Vec<&str> = sheet.layout.columns.iter().map(|column| column.header.as_str()).collect();
    assert_eq!(names, ["Vorname", "Notiz", "Notiz 2", "Column 4", "Notiz 3"]);
    assert_eq!(field(&leads[0], LeadField::Note), "a");
    assert_eq!((attribute(&leads[0], "Notiz 2"), attribute(&leads[0], "Column 4")), ("b".into(), "c".into()));
}

#[test]
fn of_two_columns_with_one_meaning_the_first_with_values_keeps_it() {
    let (_, leads) = rows("Vorname;Firma;Unternehmen;Mobil;Handy\nEva;A;B;;0171 3\n");
    assert_eq!(field(&leads[0], LeadField::Company), "A");
    assert_eq!(attribute(&leads[0], "Unternehmen"), "B");
    assert_eq!(field(&leads[0], LeadField::Mobile), "0171 3");
}

#[test]
fn a_further_number_or_address_stands_below_the_first() {
    let (_, leads) = rows(
        "Name;Telefon 1;Telefon 2;Phone 3;Mobil;Mobil 2;E-Mail;Email 2;Fax;Fax 2\n\
         Eva Krüger;0711 1;0711 2;0711 3;0171 4;0171 5;e@a.example;k@a.example;;0711 9\n\
         Uwe Lang;keine;0711 222333;;;;;;;\n",
    );
    let of = |row: usize, meaning| field(&leads[row], meaning);
    assert_eq!(of(0, LeadField::Phone), "0711 1\n0711 2\n0711 3");
    assert_eq!(of(0, LeadField::Mobile), "0171 4\n0171 5");
    assert_eq!(of(0, LeadField::Email), "e@a.example\nk@a.example");
    assert_eq!(of(0, LeadField::Fax), "0711 9");
    assert_eq!(of(1, LeadField::Phone), "keine\n0711 222333");
    assert!(leads.iter().all(|lead| lead.as_ref().unwrap().attributes.is_empty()));
    assert_eq!(meaning("Tel. 2"), Some(LeadField::Phone));
    assert_eq!(meaning("Tel. (geschäftl.)"), Some(LeadField::Phone));
    assert_eq!(meaning("Adresse 3"), None, "an address has one street");
}

#[test]
fn a_persons_mapping_wins() {
    let columns = BTreeMap::from([("Firma".to_owned(), None), ("Bude".to_owned(), Some(LeadField::Company))]);
    let options = Options { columns, ..Options::default() };
    let (_, leads) = rows_of("Vorname;Firma;Bude\nEva;privat;Ähre AG\n".as_bytes(), &options);
    assert_eq!(field(&leads[0], LeadField::Company), "Ähre AG");
    assert_eq!(attribute(&leads[0], "Firma"), "privat");
}

#[test]
fn two_columns_that_a_person_maps_to_one_field_lose_nothing() {
    let columns = BTreeMap::from([("A".to_owned(), Some(LeadField::Note)), ("B".to_owned(), Some(LeadField::Note))]);
    let (_, leads) = rows_of(b"A;B;Vorname\nx;y;Eva\n;z;Uwe\n", &Options { columns, ..Options::default() });
    assert_eq!((field(&leads[0], LeadField::Note), attribute(&leads[0], "B")), ("x".into(), "y".into()));
    assert_eq!(field(&leads[1], LeadField::Note), "z");
}

#[test]
fn name_beside_a_first_name_is_the_last_name() {
    let (_, leads) = rows("Vorname;Name;Firma\nEva;Krüger;A\n");
    assert_eq!(field(&leads[0], LeadField::LastName), "Krüger");
    let (_, leads) = rows("Name;Firma\nEva Krüger;A\n");
    assert_eq!(field(&leads[0], LeadField::FullName), "Eva Krüger");
}

#[test]
fn title_is_a_degree_or_a_position_as_its_values_say() {
    let (_, leads) = rows("FirstName,LastName,Title,Company\nEva,Krüger,Head of Sales,A\n");
    assert_eq!(field(&leads[0], LeadField::Position), "Head of Sales");
    let (_, leads) = rows("First name,Last name,Title,Company\nEva,Krüger,Prof. Dr.-Ing.,A\nUwe,Lang,,B\n");
    assert_eq!(field(&leads[0], LeadField::Title), "Prof. Dr.-Ing.");
}

#[test]
fn the_headers_of_known_exports_are_understood() {
    use LeadField as F;
    let known = [
        ("Straße + Nr.", F::Street),
        ("USt-IdNr.", F::VatId),
        ("Titel/Akademischer Grad", F::Title),
        ("firstName", F::FirstName),
        ("organization", F::Company),
        ("contact_first_name", F::FirstName),
        ("contact_zip", F::PostalCode),
        ("contact_company", F::Company),
        ("lead_created_at", F::ScannedAt),
        ("lead_id", F::ExternalId),
        ("Phone number", F::Phone),
        ("Mobile phone number", F::Mobile),
        ("Website URL", F::Website),
        ("State/Region", F::State),
        ("Country/Region", F::Country),
        ("Contact owner", F::Owner),
        ("MobilePhone", F::Mobile),
        ("PostalCode", F::PostalCode),
        ("E-Mail-Adresse", F::Email),
        ("Mail", F::Email),
        ("Tel.", F::Phone),
        ("Telefon geschäftlich", F::Phone),
        ("Postleitzahl", F::PostalCode),
        ("Plz", F::PostalCode),
        ("Vor- und Nachname", F::FullName),
        ("Ansprechpartner", F::FullName),
        ("Kontaktperson", F::FullName),
        ("Firmenname", F::Company),
        ("Unternehmen", F::Company),
        ("Besucher-ID", F::Badge),
        ("Ticket", F::Badge),
        ("Scan-Zeit", F::ScannedAt),
        ("Erfasst am", F::ScannedAt),
        ("Zeitstempel", F::ScannedAt),
        ("Prioritaet", F::Priority),
        ("Job title", F::Position),
        ("address_line_1", F::Street),
        ("Gescannt von", F::ScannedBy),
        ("dialogue partner", F::ScannedBy),
        ("rating", F::Priority),
        ("E-Mail*", F::Email),
        ("E-Mail (Pflichtfeld)", F::Email),
        ("Telefonnumer", F::Phone),
        ("Company Name", F::Company),
        ("Vor-/Nachname", F::FullName),
        ("Ansprechpartner Vorname", F::FirstName),
        ("Ansprechpartner Nachname", F::LastName),
        ("Land/Region", F::Country),
        ("Bundesland/Region", F::State),
        ("Mobiltelefonnummer", F::Mobile),
        ("Firma/Unternehmen", F::Company),
        ("Telefonnummer mobil", F::Mobile),
        ("Telefon (Festnetz)", F::Phone),
        ("Telefon direkt", F::Phone),
        ("Tel. 1", F::Phone),
        ("PLZ/Ort", F::City),
    ];
    for (header, field) in known {
        assert_eq!(meaning(header), Some(field), "{header}");
    }
}

#[test]
fn guessing_stops_where_the_meaning_would_change() {
    for header in [
        "Telefon privat",
        "Firma Telefon",
        "Rechnungsadresse Straße",
        "Messe-Datum",
        "Lead status",
        "contact_source",
        "event_name",
        "Marketing-Einwilligung",
        "Umsatz",
        "Branche",
        "E-Mail Assistenz",
        "Nr.",
        "Uhrzeit",
        "",
        "???",
    ] {
        assert_eq!(meaning(header), None, "{header}");
    }
}

#[test]
fn a_preview_shows_cells_as_they_will_be_read() {
    let text = format!("{HEAD}Eva;Krüger;\"A; B\";1;e@a.example\nUwe;\"Lang\n");
    let sheet = open(text.as_bytes(), &Options::default()).expect("a list");
    let shown = preview(text.as_bytes(), &sheet, 5);
    assert_eq!(shown[0], ["Eva", "Krüger", "A; B", "1", "e@a.example"]);
    assert_eq!(shown[1], ["Uwe;\"Lang"]);
}

#[test]
fn old_mac_line_ends_are_line_ends() {
    let (sheet, leads) = rows("Vorname;Nachname\rEva;Krüger\rUwe;Lang\r");
    assert_eq!(sheet.rows.len(), 2);
    assert_eq!(field(&leads[1], LeadField::LastName), "Lang");
}

#[test]
fn every_row_of_the_example_fair_is_a_lead_or_a_problem() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/data/messe-leads.csv");
    let bytes = std::fs::read(path).expect("the example list");
    let (sheet, leads) = rows_of(&bytes, &Options::default());
    assert_eq!(sheet.header_line, 2);
    assert!(sheet.layout.columns.iter().all(|column| column.meaning.is_some()), "{:?}", sheet.layout.columns);
    let problems: Vec<(u64, &str)> = sheet
        .rows
        .iter()
        .zip(&leads)
        .filter_map(|(row, lead)| lead.as_ref().err().map(|problem| (row.line, problem.code.as_str())))
        .collect();
    assert_eq!(
        problems,
        [
            (99, "columns_missing"),
            (102, "columns_excess"),
            (103, "columns_missing"),
            (132, "header_repeated"),
            (154, "blank"),
            (155, "blank"),
            (278, "footer"),
        ]
    );
    assert_eq!(leads.len(), 266);
}

#[test]
fn the_header_is_the_row_with_the_most_names() {
    let list = "Vorname;Nachname;Firma;E-Mail\nEva;Krüger;Ähre AG;e@a.example\n";
    for above in ["Datum;17.04.2026", "Firma;Drehmark GmbH", "Teilnehmer"] {
        let (sheet, leads) = rows(&format!("{above}\n\n{list}"));
        assert_eq!(sheet.header_line, 3, "{above}");
        assert_eq!(field(&leads[0], LeadField::LastName), "Krüger");
    }
}

#[test]
fn a_name_alone_in_its_row_is_a_lead_and_a_sum_is_none() {
    let (_, leads) = rows(
        "Name;Firma;Ort;Scans\nDr. Hans Müller;;;\nGesamt;;;255\nSumme:;;12;255\nStand: Halle 7;;;\nGesamt AG;Gesamt AG;Ulm;1\n",
    );
    assert_eq!(field(&leads[0], LeadField::FullName), "Dr. Hans Müller");
    assert_eq!((code(&leads[1]), code(&leads[2]), code(&leads[3])), ("footer", "footer", "footer"));
    assert_eq!(field(&leads[4], LeadField::Company), "Gesamt AG");
}

#[test]
fn the_name_beside_somebody_to_ask_for_is_the_company() {
    let (_, leads) = rows("Name;PLZ;Ort;Ansprechpartner;E-Mail\nÄhre AG;89073;Ulm;Eva Krüger;e@a.example\n");
    assert_eq!(field(&leads[0], LeadField::Company), "Ähre AG");
    assert_eq!(field(&leads[0], LeadField::FullName), "Eva Krüger");
    let (_, leads) = rows("Name;Ansprechpartner Vorname;Ansprechpartner Nachname\nÄhre AG;Eva;Krüger\n");
    assert_eq!(field(&leads[0], LeadField::Company), "Ähre AG");
    assert_eq!(field(&leads[0], LeadField::LastName), "Krüger");
}

#[test]
fn a_column_that_says_the_same_in_most_rows_is_no_badge() {
    let (sheet, _) = rows("Vorname;Ticket\nA;VIP\nB;VIP\nC;Tag\nD;Tag\nE;VIP\n");
    assert_eq!(sheet.layout.columns[1].meaning, None);
    let (sheet, _) = rows("Vorname;Ticket\nA;T-1\nB;T-2\nC;T-3\nD;T-3\n");
    assert_eq!(sheet.layout.columns[1].meaning, Some(LeadField::Badge));
}

#[test]
fn one_and_two_are_genders_of_the_iso_and_nought_and_one_are_not() {
    let (sheet, _) = rows("Geschlecht;Nachname\n1;A\n2;B\n");
    assert_eq!(sheet.layout.columns[0].meaning, Some(LeadField::GenderCode));
    let (sheet, _) = rows("Geschlecht;Nachname\n1;A\n0;B\n");
    assert_eq!(sheet.layout.columns[0].meaning, Some(LeadField::Salutation));
}

#[test]
fn a_second_column_of_one_meaning_fills_the_rows_where_the_first_is_empty() {
    let (_, leads) = rows("Nachname;Firma;Unternehmen\nA;Eins;Zwei\nB;;Drei\n");
    assert_eq!(
        (field(&leads[0], LeadField::Company), attribute(&leads[0], "Unternehmen")),
        ("Eins".into(), "Zwei".into())
    );
    assert_eq!(field(&leads[1], LeadField::Company), "Drei");
}

#[test]
fn parts_of_numbers_and_times_have_columns_of_their_own() {
    let (_, leads) = rows("Nachname;Vorwahl;Rufnummer;Durchwahl;Datum;Uhrzeit\nA;0711;5550-0;12;14.04.2026;09:04\n");
    assert_eq!(field(&leads[0], LeadField::AreaCode), "0711");
    assert_eq!(field(&leads[0], LeadField::Extension), "12");
    assert_eq!(field(&leads[0], LeadField::ScannedTime), "09:04");
}

#[test]
fn headers_of_more_than_two_thousand_columns_are_refused() {
    let refused = |text: &str| open(text.as_bytes(), &Options::default()).expect_err("refused").code;
    assert_eq!(refused(&format!("Vorname;Nachname;{}\nEva;Krüger\n", "a;".repeat(1_000_000))), "too_many_columns");
}

#[test]
fn cells_of_megabytes_do_not_keep_the_reader() {
    let long = "x ".repeat(1_000_000);
    let refused = open(format!("Vorname;Nachname;{long}\nEva;Krüger;{long}\n").as_bytes(), &Options::default());
    assert_eq!(refused.unwrap_err().code, "name_too_long");
    let (_, leads) = rows(&format!("Vorname;Nachname;Notiz\nEva;Krüger;{long}\nUwe;Lang;\n"));
    assert_eq!(code(&leads[0]), "row_too_long");
    assert_eq!(field(&leads[1], LeadField::LastName), "Lang");
}

#[test]
fn a_pasted_mail_of_many_lines_is_one_note() {
    let note = "Guten Tag, anbei die Liste.\n".repeat(120);
    let (sheet, leads) = rows(&format!("{HEAD}Eva;\"{note}\";A;1;e@a.example\nUwe;Lang;L;2;u@l.example\n"));
    assert_eq!(sheet.rows.len(), 2);
    assert_eq!(field(&leads[0], LeadField::LastName).lines().count(), 120);
    assert_eq!((sheet.rows[1].line, field(&leads[1], LeadField::FirstName)), (123, "Uwe".into()));
}

#[test]
fn rows_of_an_old_mac_may_hold_line_feeds_in_their_cells() {
    let (sheet, leads) = rows("Vorname;Notiz\rEva;\"a\nb\"\rUwe;c\r");
    assert_eq!(sheet.rows.len(), 2);
    assert_eq!(
        (field(&leads[0], LeadField::Note), field(&leads[1], LeadField::FirstName)),
        ("a\nb".into(), "Uwe".into())
    );
}

#[test]
fn a_line_break_in_a_header_does_not_shift_the_lines() {
    let (sheet, _) = rows("Vorname;\"Nach-\nname\";Firma\nEva;Krüger;A\nUwe;Lang;B\n");
    assert_eq!((sheet.header_line, sheet.rows[0].line, sheet.rows[1].line), (1, 3, 4));
}

#[test]
fn a_row_without_its_empty_end_is_a_lead_if_it_names_somebody() {
    let head = "Vorname;Nachname;Firma;PLZ;Ort;Land;Telefon;Mobil;Notiz";
    let (_, leads) = rows(&format!("{head}\nEva;Krüger\nEva\n"));
    assert_eq!(field(&leads[0], LeadField::LastName), "Krüger");
    assert_eq!(code(&leads[1]), "columns_missing");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let normal = normalise(&bytes);
        if let Ok(sheet) = open(&normal, &Options::default()) {
            for row in sheet.rows(&normal) {
                let _ = read_row(&sheet.layout, &normal[row.bytes.clone()]);
            }
            preview(&normal, &sheet, 10);
        }
    }

    #[test]
    fn no_list_makes_the_reader_panic_or_lose_a_line(body in "([a-zäß@;,\"'\t|\r\n 0-9]|Vorname|Firma){0,200}") {
        let text = format!("Vorname;Firma;E-Mail;Notiz\n{body}");
        let sheet = open(text.as_bytes(), &Options { delimiter: Some(';'), ..Options::default() });
        let sheet = Listed::of(sheet.expect("the header is there"), text.as_bytes());
        let mut covered = sheet.rows.first().map_or(text.len(), |row| row.bytes.start);
        for row in &sheet.rows {
            prop_assert!(text.as_bytes()[covered..row.bytes.start].iter().all(|b| b.is_ascii_control() || *b == b' '));
            let _ = read_row(&sheet.layout, &text.as_bytes()[row.bytes.clone()]);
            covered = row.bytes.end;
        }
    }

    #[test]
    fn no_row_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), delimiter in any::<char>()) {
        let column = |header: &str| Column { header: header.to_owned(), meaning: Some(LeadField::Email) };
        let layout = Layout { encoding: "UTF-8".into(), delimiter, quote: '"', columns: vec![column("a"), column("b")] };
        let _ = read_row(&layout, &bytes);
    }
}

#[test]
fn formulas_are_disarmed_and_phone_numbers_stay_as_they_are() {
    let formulas =
        ["=HYPERLINK(\"http://x\")", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "- ruft an", "'=1"];
    for formula in formulas {
        assert_eq!(guard(formula), format!("'{formula}"));
        assert_eq!(unguard(&guard(formula)), formula);
    }
    for plain in ["+49 (711) 123/456-7", "-12,5", "Müller", "", "a=b", "+43\u{a0}1 234", "'n Abend", "''"] {
        assert_eq!(guard(plain), plain);
        assert_eq!(unguard(plain), plain);
    }
}

#[test]
fn a_list_of_refused_rows_that_comes_back_is_read_without_what_we_added() {
    let list = "Vorname;Nachname;E-Mail;Telefon;'@Stand;mittler_line;mittler_code;mittler_field;mittler_reason\r\n\
        Anna;Muster;a@example.com;'+49 711 4711 Durchwahl 5;'- ruft an;4;no_name_and_no_email;;the row has neither\r\n\
        ;;;;;5;content_gone;;gone\r\n";
    let sheet = Listed::of(open(list.as_bytes(), &Options::default()).unwrap(), list.as_bytes());
    assert_eq!(sheet.layout.columns[4].header, "@Stand");
    let row = |n: usize| read_row(&sheet.layout, &list.as_bytes()[sheet.rows[n].bytes.clone()]);
    let lead = row(0).unwrap();
    assert_eq!(lead.fields[&LeadField::Phone], "+49 711 4711 Durchwahl 5");
    assert_eq!(lead.attributes, [("@Stand".to_owned(), "- ruft an".to_owned())].into());
    assert_eq!(row(1).unwrap_err().code, "blank", "there is nothing left of it to take");
    // In any other list an apostrophe is the sender's.
    let other = "Vorname;Nachname;Notiz\r\nAnna;Muster;'- ruft an\r\n";
    let sheet = Listed::of(open(other.as_bytes(), &Options::default()).unwrap(), other.as_bytes());
    let lead = read_row(&sheet.layout, &other.as_bytes()[sheet.rows[0].bytes.clone()]).unwrap();
    assert_eq!(lead.fields[&LeadField::Note], "'- ruft an");
}

/// A list of refused rows as it is sent back: every row filled up, every quotation mark doubled.
fn sent_back(bytes: &[u8], again: impl Fn(usize, &mut Vec<String>, &mut String)) -> Vec<Result<RawLead, Problem>> {
    let (sheet, leads) = rows_of(bytes, &Options::default());
    let quoted = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", guard(cell).replace('"', "\"\""))).collect();
        cells.join(";") + "\r\n"
    };
    let headers = sheet.layout.columns.iter().map(|column| column.header.clone());
    let ours = OURS.iter().map(|ours| (*ours).to_owned());
    let theirs: Vec<String> = headers.filter(|header| !OURS.contains(&header.as_str())).collect();
    let mut list = quoted(&theirs.iter().cloned().chain(ours).collect::<Vec<_>>());
    for (at, (row, problem)) in
        sheet.rows.iter().zip(&leads).filter_map(|(row, lead)| Some((row, lead.as_ref().err()?))).enumerate()
    {
        let (mut cells, mut to_correct) = returned(&sheet.layout, &bytes[row.bytes.clone()], Some(&problem.code));
        assert_eq!(cells.len(), theirs.len());
        again(at, &mut cells, &mut to_correct);
        cells.extend(["7".to_owned(), problem.code.clone(), String::new(), problem.reason.clone(), to_correct]);
        list.push_str(&quoted(&cells));
    }
    rows_of(list.as_bytes(), &Options::default()).1
}

const MISWRITTEN_ROWS: &str = "Vorname;Nachname;Firma;E-Mail;Notiz;Ort;Land\n\
    Anton;Eins;A GmbH;\"anton@broken.example\n\
    Berta;\"Zwei\" groß;B GmbH;b@broken.example;;Ulm;DE\n\
    Cäsar\n\
    Emil;Fünf;E GmbH;emil@broken.example;ok;Ulm;DE;zu;viele\n";

#[test]
fn a_row_refused_for_how_it_is_written_is_refused_again_until_it_is_corrected() {
    let codes = ["quote_unclosed", "quote_then_text", "columns_missing", "columns_excess"];
    let (_, first) = rows(MISWRITTEN_ROWS);
    assert_eq!(first.iter().map(code).collect::<Vec<_>>(), codes);
    let unchanged = sent_back(MISWRITTEN_ROWS.as_bytes(), |_, _, _| ());
    assert_eq!(unchanged.iter().map(code).collect::<Vec<_>>(), codes);
    assert!(unchanged.iter().all(|lead| lead.as_ref().unwrap_err().reason.contains(TO_CORRECT)));
    let corrected = sent_back(MISWRITTEN_ROWS.as_bytes(), |at, cells, to_correct| {
        if at == 0 {
            assert!(cells.iter().all(String::is_empty));
            assert_eq!(to_correct, "Anton;Eins;A GmbH;\"anton@broken.example");
            cells[..4].clone_from_slice(&["Anton", "Eins", "A GmbH", "anton@broken.example"].map(str::to_owned));
            to_correct.clear();
        }
        if at == 3 {
            assert_eq!(cells[4..], ["ok", "Ulm", "DE"], "the cells that have a column stand under it");
            to_correct.clear();
        }
    });
    assert_eq!(field(&corrected[0], LeadField::Email), "anton@broken.example");
    assert!(corrected[0].as_ref().unwrap().attributes.is_empty());
    assert_eq!((code(&corrected[1]), code(&corrected[2])), (codes[1], codes[2]));
    assert_eq!(field(&corrected[3], LeadField::Note), "ok");
}

#[test]
fn what_was_refused_twice_goes_back_as_it_went_the_first_time() {
    let list = "Vorname;Nachname;mittler_line;mittler_code;mittler_field;mittler_reason;mittler_to_correct\r\n\
        ;;4;quote_unclosed;;never closed;\"Eva;\"\"Krüger\"\r\n\
        ;;5;made up;;;Uwe\r\n\
        Ida;Bär;6;columns_missing;;;\r\n";
    let (sheet, leads) = rows(list);
    assert_eq!((code(&leads[0]), code(&leads[1])), ("quote_unclosed", "not_corrected"));
    assert_eq!(field(&leads[2], LeadField::LastName), "Bär");
    let row = |n: usize| &list.as_bytes()[sheet.rows[n].bytes.clone()];
    let empty = vec![String::new(), String::new()];
    assert_eq!(returned(&sheet.layout, row(0), Some("quote_unclosed")), (empty, "Eva;\"Krüger".to_owned()));
    // A list without the last column was corrected by the words that came with it.
    let without =
        "Nachname;E-Mail;mittler_line;mittler_code;mittler_field;mittler_reason\nBär;b@b.example;4;columns_missing;;\n";
    assert_eq!(field(&rows(without).1[0], LeadField::Email), "b@b.example");
}

#[test]
fn text_behind_a_closed_quote_is_not_called_unclosed() {
    let (_, leads) = rows(&format!("{HEAD}Cäsar;Drei;\"C\" GmbH;1;\"zu\" viel\n"));
    assert_eq!(code(&leads[0]), "quote_then_text");
}

#[test]
fn one_cell_is_no_cells() {
    let (_, leads) = rows(&format!("{HEAD}Eva\n"));
    assert_eq!(leads[0].as_ref().unwrap_err().reason, "the row has 1 cell, the header 5");
}

#[test]
fn a_file_says_in_what_it_is_written_whatever_its_rows_are_read_by() {
    let text = "Vorname;Nachname;E-Mail\r\nÄnne;Größe;aenne@sechzehn.example\r\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sheet = open(&utf16, &Options::default()).unwrap();
    assert_eq!((sheet.encoding.as_str(), sheet.layout.encoding.as_str()), ("UTF-16LE", "UTF-8"));
    let dos = b"Vorname;Nachname\r\nJ\x81rgen;H\x84u\xE1ermann\r\n";
    assert_eq!(open(dos, &Options::default()).unwrap().encoding, "IBM850");
    assert_eq!(open(text.as_bytes(), &Options::default()).unwrap().encoding, "UTF-8");
}

#[test]
fn a_mapping_of_a_column_that_is_not_there_is_refused() {
    let options =
        |header: &str| Options { columns: [(header.to_owned(), Some(LeadField::Note))].into(), ..Options::default() };
    let list = "Nachname;Bemerkung 1\nA;b\n".as_bytes();
    let problem = open(list, &options("Bemerkumg")).unwrap_err();
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("unknown_column", Some("columns")));
    assert!(open(list, &options("bemerkung-1")).is_ok());
}

#[test]
fn marks_of_the_writing_direction_are_no_part_of_a_value() {
    let (_, leads) = rows("Vorname;Nachname;Firma\nEva\u{202e};\u{2066}Krüger\u{2069};\u{200f}\u{200e}\n");
    assert_eq!(
        (field(&leads[0], LeadField::FirstName), field(&leads[0], LeadField::LastName)),
        ("Eva".into(), "Krüger".into())
    );
    assert_eq!(field(&leads[0], LeadField::Company), "");
}

#[test]
fn headers_of_the_neighbours_are_understood() {
    use LeadField::{
        City, Company, Country, Email, FirstName, FullName, LastName, Mobile, Phone, Position, PostalCode, Street,
    };
    for (header, wanted) in [
        ("Nom;Prénom;Société;E-mail", vec![LastName, FirstName, Company, Email]),
        (
            "Prénom;Nom;Raison sociale;Adresse e-mail;Téléphone;Portable",
            vec![FirstName, LastName, Company, Email, Phone, Mobile],
        ),
        ("Rue;Code postal;Ville;Pays;Fonction;Nom", vec![Street, PostalCode, City, Country, Position, FullName]),
        ("Cognome;Nome;Azienda;Telefono;Cellulare", vec![LastName, FirstName, Company, Phone, Mobile]),
        (
            "Nome;Società;Indirizzo;CAP;Città;Paese;Ruolo",
            vec![FullName, Company, Street, PostalCode, City, Country, Position],
        ),
        ("Nombre;Apellido(s);Empresa;Correo electrónico;Móvil", vec![FirstName, LastName, Company, Email, Mobile]),
        (
            "Apellidos;Nombre;Dirección;Código postal;Ciudad;País;Cargo",
            vec![LastName, FirstName, Street, PostalCode, City, Country, Position],
        ),
        ("Nombre y apellidos;Teléfono", vec![FullName, Phone]),
        (
            "Voornaam;Achternaam;Bedrijfsnaam;E-mailadres;Telefoonnummer",
            vec![FirstName, LastName, Company, Email, Phone],
        ),
        (
            "Naam;Voornaam;Straat;Postcode;Plaats;Land;Functie;Mobiel",
            vec![LastName, FirstName, Street, PostalCode, City, Country, Position, Mobile],
        ),
        ("Imię;Nazwisko;Nazwa firmy;Adres e-mail;Telefon komórkowy", vec![FirstName, LastName, Company, Email, Mobile]),
        (
            "Imię i nazwisko;Ulica;Kod pocztowy;Miejscowość;Kraj;Stanowisko",
            vec![FullName, Street, PostalCode, City, Country, Position],
        ),
        ("Vor- und Zuname;Firma", vec![FullName, Company]),
        ("\"Name, Vorname\";Firma", vec![FullName, Company]),
        ("Name, Vorname;Firma", vec![FullName, Company]),
        ("Vor-/Nachname;Firma", vec![FullName, Company]),
    ] {
        let width = header.split(';').count();
        let (sheet, _) = rows(&format!("{header}\n{}\n", vec!["x"; width].join(";")));
        let found: Vec<Option<LeadField>> = sheet.layout.columns.iter().map(|column| column.meaning).collect();
        assert_eq!(found, wanted.into_iter().map(Some).collect::<Vec<_>>(), "{header}");
    }
}

#[test]
fn a_row_with_a_value_that_is_no_value_is_refused_alone_and_says_under_which_column() {
    let note = |bytes: usize| format!("Eva;Krüger;A GmbH;1;{}\n", "x".repeat(bytes));
    let head = "Vorname;Nachname;Firma;PLZ;Bemerkung\n";
    let (_, leads) = rows(&format!("{head}{}{}Uwe;Lang;B GmbH;2;ruft an\n", note(MAX_VALUE), note(MAX_VALUE + 1)));
    assert_eq!(field(&leads[0], LeadField::Note).len(), MAX_VALUE);
    let problem = leads[1].as_ref().unwrap_err();
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("value_too_long", Some("Bemerkung")));
    assert_eq!(field(&leads[2], LeadField::Note), "ruft an");
    let long = format!("Vorname;{}\nEva;x\n", "x".repeat(MAX_NAME + 1));
    assert_eq!(open(long.as_bytes(), &Options::default()).unwrap_err().code, "name_too_long");
}

#[test]
fn a_file_that_nobody_waits_for_is_not_taken_apart_to_its_end() {
    let list = format!("Vorname;Nachname\n{}", "Eva;Krüger\n".repeat(5_000));
    let looks = std::cell::Cell::new(0);
    let wanted = || looks.replace(looks.get() + 1) < 1;
    let abandoned = open_while(list.as_bytes(), &Options::default(), &wanted).unwrap_err();
    assert_eq!((abandoned.code.as_str(), looks.get()), (ABANDONED, 2));
}
