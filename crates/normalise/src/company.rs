//! Companies: core name and legal form, domain, register number, VAT number.

use crate::name::{fold, fold_plain, is_shouted, proper};

/// A company's name taken apart. "Huber GmbH", "Huber Holding GmbH" and "Huber GmbH & Co. KG" are
/// three companies: the legal form is part of who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Company {
    /// With legal form, without "Fa.", branch and place.
    pub name: String,
    /// Without legal form, folded.
    pub core: String,
    /// As it is usually written: "GmbH & Co. KG".
    pub legal_form: Option<&'static str>,
    /// Which rule changed more than blanks: `company.prefix`, `company.branch`, `company.case`.
    pub rules: Vec<&'static str>,
}

/// The usual way to write a form, and the ways it is met: letters and digits only, lower case.
const FORMS: &[(&str, &[&str])] = &[
    ("GmbH & Co. KGaA", &["gmbhcokgaa", "gmbhundcokgaa"]),
    ("AG & Co. KGaA", &["agcokgaa", "agundcokgaa"]),
    ("SE & Co. KGaA", &["secokgaa", "seundcokgaa"]),
    (
        "GmbH & Co. KG",
        &["gmbhcokg", "gmbhundcokg", "gmbhucokg", "mbhcokg", "gmbhcokommanditgesellschaft", "gesmbhcokg", "gmbhco"],
    ),
    ("GmbH & Co. OHG", &["gmbhcoohg", "gmbhundcoohg"]),
    ("UG (haftungsbeschränkt) & Co. KG", &["ughaftungsbeschraenktcokg", "ugcokg"]),
    ("AG & Co. KG", &["agcokg", "agundcokg"]),
    ("AG & Co. OHG", &["agcoohg"]),
    ("SE & Co. KG", &["secokg", "seundcokg"]),
    ("KG", &["kg", "kommanditgesellschaft", "cokg", "undcokg"]),
    (
        "UG (haftungsbeschränkt)",
        &["ughaftungsbeschraenkt", "ug", "unternehmergesellschafthaftungsbeschraenkt", "unternehmergesellschaft"],
    ),
    ("gGmbH", &["ggmbh", "gemeinnuetzigegmbh"]),
    ("GmbH", &["gmbh", "gesellschaftmitbeschraenkterhaftung", "mbh", "gmbhh"]),
    ("Ges.m.b.H.", &["gesmbh", "gesellschaftmbh"]),
    ("OHG", &["ohg", "offenehandelsgesellschaft"]),
    ("OG", &["og"]),
    ("KGaA", &["kgaa"]),
    ("AG", &["ag", "aktiengesellschaft"]),
    ("SE", &["se", "societaseuropaea"]),
    ("eG", &["eg", "egmbh", "eingetragenegenossenschaft"]),
    ("e.K.", &["ek", "ekfr", "ekfm", "eingetragenerkaufmann", "eingetragenekauffrau", "ekfrau"]),
    ("e.U.", &["eu"]),
    ("e.V.", &["ev", "eingetragenerverein"]),
    ("GbR", &["gbr", "gesellschaftbuergerlichenrechts"]),
    ("PartG mbB", &["partgmbb", "partnerschaftsgesellschaftmbb"]),
    ("PartG", &["partg"]),
    ("AöR", &["aoer", "anstaltdesoeffentlichenrechts"]),
    ("KdöR", &["kdoer"]),
    ("S.à r.l.", &["sarl", "garl"]),
    ("S.p.A.", &["spa"]),
    ("S.r.l.", &["srl", "srls"]),
    ("S.n.c.", &["snc"]),
    ("S.a.s.", &["sas", "sasu"]),
    ("SA", &["sa"]),
    ("EURL", &["eurl"]),
    ("B.V.", &["bv"]),
    ("N.V.", &["nv"]),
    ("BVBA", &["bvba"]),
    ("V.O.F.", &["vof"]),
    ("Sp. z o.o. Sp. k.", &["spzoospk", "spzoospolkakomandytowa"]),
    ("Sp. z o.o.", &["spzoo", "spolkazoo"]),
    ("s.r.o.", &["sro", "spolsro"]),
    ("a.s.", &["as"]),
    ("d.o.o.", &["doo"]),
    ("d.d.", &["dd"]),
    ("Kft.", &["kft"]),
    ("Zrt.", &["zrt"]),
    ("Bt.", &["bt"]),
    ("ApS", &["aps"]),
    ("A/S", &["aslash"]),
    ("AB", &["ab"]),
    ("Oy", &["oy", "oyab"]),
    ("Ltd", &["ltd", "limited", "coltd"]),
    ("PLC", &["plc"]),
    ("LLP", &["llp"]),
    ("LLC", &["llc"]),
    ("Inc.", &["inc", "incorporated"]),
    ("Corp.", &["corp", "corporation"]),
    ("S.L.", &["sl", "slu"]),
    ("Lda", &["lda"]),
    ("Anstalt", &["anstalt"]),
    ("Stiftung", &["stiftung"]),
];

/// No company's name is longer, nor any line that names one.
const LONGEST: usize = 1_000;

/// Letters and digits of a form as it is written; "A/S" keeps its slash, since "AS" is another.
fn form_key(text: &str) -> String {
    let folded = fold(text);
    if folded.trim_end_matches(',') == "a/s" {
        return "aslash".to_owned();
    }
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn form_of(text: &str) -> Option<&'static str> {
    let key = form_key(text);
    FORMS.iter().find(|(_, ways)| ways.contains(&key.as_str())).map(|(form, _)| *form)
}

/// Takes a company's name apart; `None` if nothing is left.
pub fn read(text: &str, city: &str) -> Option<Company> {
    if text.len() > LONGEST {
        return None;
    }
    let mut text = mittler_core::value::clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rules = Vec::new();
    for prefix in ["Fa. ", "Firma ", "Fa ", "FA. ", "FIRMA "] {
        if let Some(rest) = text.strip_prefix(prefix) {
            text = rest.to_owned();
            rules.push("company.prefix");
        }
    }
    if let Some(branch) = branch_at(&text, city) {
        text.truncate(branch);
        text = text.trim_end_matches([' ', ',', '-', '–', '|', '/', '(']).to_owned();
        rules.push("company.branch");
    }
    let (stem, form) = split(&text);
    let mut name = text.clone();
    if is_shouted(&text) && stem.split([' ', '-']).any(|word| word.chars().count() > 5) {
        let stem = stem
            .split(' ')
            .map(|word| if word.chars().count() > 3 { proper(word) } else { word.to_owned() })
            .collect::<Vec<_>>();
        name = form.map_or(stem.join(" "), |form| format!("{} {form}", stem.join(" ")));
        rules.push("company.case");
    } else if let Some(form) = form.filter(|_| is_shouted(&text) && text.len() > stem.len()) {
        // "HUBER GMBH": short words may be a brand, the form is certainly none.
        name = format!("{} {form}", if stem.len() > 4 { proper(&stem) } else { stem.clone() });
        rules.push("company.case");
    }
    let core = core_of(&stem);
    (!core.is_empty()).then_some(Company { name, core, legal_form: form, rules })
}

/// The name without its legal form, folded to words of letters and digits.
pub fn core_of(stem: &str) -> String {
    let folded = fold(stem).replace(" & ", " und ").replace(" + ", " und ");
    folded
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '?' { c } else { ' ' })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Splits the longest run of words that is a legal form off the end, or off the start ("AB Volvo"
/// is left alone: too many names begin like a form).
pub fn split(text: &str) -> (String, Option<&'static str>) {
    let text = text.trim().trim_end_matches([',', ';', '-']);
    let words: Vec<&str> = text.split(' ').collect();
    for start in words.len().saturating_sub(6).max(1)..words.len() {
        if let Some(form) = form_of(&words[start..].join(" ")) {
            let stem = words[..start].join(" ");
            return (stem.trim_end_matches([',', ' ', '-']).to_owned(), Some(form));
        }
    }
    (text.to_owned(), None)
}

/// Whether the line names a company: it ends in a legal form, or holds one before a branch.
pub fn has_form(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    split(text).1.is_some() || branch_at(text, "").is_some_and(|at| split(text.get(..at).unwrap_or("")).1.is_some())
}

/// Where, after a legal form, something begins that is no part of the name: ", Rosenheim",
/// " - Niederlassung Süd", " | Werk 2".
fn branch_at(text: &str, city: &str) -> Option<usize> {
    let cuts = text.match_indices([',', '|', '·', '-', '–', '(']).map(|(at, _)| at);
    cuts.filter(|at| *at > 0).find(|at| {
        let (head, tail) = text.split_at(*at);
        let tail_text = fold(tail.trim_start_matches([',', '|', '·', '-', '–', '(', ' ']));
        let is_city = !city.is_empty() && tail_text.trim_end_matches(')') == fold(city);
        let names_branch = [
            "niederlassung",
            "nl ",
            "zweigniederlassung",
            "werk ",
            "standort",
            "geschaeftsstelle",
            "filiale",
            "buero ",
        ]
        .iter()
        .any(|word| tail_text.starts_with(word));
        let spaced = head.ends_with(' ') || tail.starts_with(", ") || tail.starts_with('|') || tail.starts_with('(');
        let whole_form = split(text).1.is_some();
        spaced
            && (is_city || names_branch || (!whole_form && split(head.trim_end()).1.is_some() && !continues_form(tail)))
    })
}

/// "(haftungsbeschränkt) & Co. KG" belongs to the form before it.
fn continues_form(tail: &str) -> bool {
    let key = form_key(tail);
    key.starts_with("haftungsbeschraenkt") || key.starts_with("cokg")
}

/// Whether two cores are one name: equal however umlauts are written, `?` for a lost letter.
pub fn same_core(a: &str, b: &str) -> bool {
    let plain = |core: &str| fold_plain(core).replace("ae", "a").replace("oe", "o").replace("ue", "u").replace(' ', "");
    a == b || plain(a) == plain(b) || crate::name::lost_letters_agree(a, b)
}

/// The name that a company's domain suggests: `huber-rosenheim.example` gives "Huber Rosenheim".
pub fn name_of_domain(domain: &str) -> Option<String> {
    let label = domain.split('.').next()?;
    if label.starts_with("xn--") || label.len() < 3 {
        return None;
    }
    Some(label.split(['-', '_']).filter(|part| !part.is_empty()).map(proper).collect::<Vec<_>>().join(" "))
}

/// A VAT id in capitals without blanks, if its form is right and, for Germany, its check digit.
pub fn vat_id(text: &str) -> Option<String> {
    let id: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let (country, rest) = id.split_at_checked(2)?;
    let digits = |n: usize| rest.len() == n && rest.bytes().all(|b| b.is_ascii_digit());
    let fits = match country {
        "DE" => digits(9) && german_check_digit(rest),
        "AT" => rest.len() == 9 && rest.starts_with('U') && rest.bytes().skip(1).all(|b| b.is_ascii_digit()),
        "CH" => {
            rest.starts_with('E')
                && (10..=14).contains(&rest.len())
                && rest.bytes().skip(1).take(9).all(|b| b.is_ascii_digit())
        }
        "FR" | "IT" | "HR" | "LV" => digits(11) || (country == "FR" && rest.len() == 11),
        "NL" => rest.len() == 12,
        "BE" | "PL" | "SK" => digits(10),
        "CZ" => (8..=10).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit()),
        "DK" | "FI" | "HU" | "LU" | "SI" | "MT" => digits(8),
        "SE" => digits(12),
        "ES" | "PT" | "IE" | "CY" | "EE" | "EL" | "LT" | "RO" | "BG" => (7..=12).contains(&rest.len()),
        _ => false,
    };
    // "CHE-123.456.789 MWST" names the tax too.
    let id = if country == "CH" { id.get(..12)?.to_owned() } else { id };
    fits.then_some(id)
}

/// ISO 7064, MOD 11,10.
fn german_check_digit(digits: &str) -> bool {
    let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    let Some((check, body)) = values.split_last() else { return false };
    let mut product = 10;
    for digit in body {
        let sum = (digit + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    (11 - product) % 10 == *check && body.first() != Some(&0)
}

/// A VAT id named in a line: after "USt-IdNr.", "UID", "VAT", or one that its form gives away.
pub fn vat_id_in(line: &str) -> Option<String> {
    let upper = line.to_uppercase();
    for (at, _) in upper.char_indices() {
        let before = upper.get(..at).and_then(|head| head.chars().next_back());
        let starts = ["DE", "ATU", "CHE"].iter().any(|code| upper.get(at..).is_some_and(|rest| rest.starts_with(code)));
        if !starts || before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let rest = upper.get(at..).unwrap_or("");
        let end = rest
            .char_indices()
            .skip(2)
            .find(|(_, c)| !c.is_ascii_digit() && !matches!(c, ' ' | '-' | '.' | 'U' | 'E'))
            .map_or(rest.len(), |(end, _)| end);
        let candidate: String = rest.get(..end).unwrap_or("").chars().filter(char::is_ascii_alphanumeric).collect();
        let length = if candidate.starts_with("CHE") { 12 } else { 11 };
        if let Some(id) = candidate.get(..length).and_then(vat_id) {
            return Some(id);
        }
    }
    None
}

/// "Ulm HRB 990114" of a line like "Sitz: Aalen | Amtsgericht Ulm HRB 990114".
pub fn register_in(line: &str) -> Option<String> {
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | ':' | ';' | '·' | '(' | ')'))
        .filter(|word| !word.is_empty())
        .collect();
    let at = words.iter().position(|word| {
        matches!(*word, "HRB" | "HRA" | "HRB-Nr." | "HRA-Nr." | "GnR" | "PR") || is_joined_number(word)
    })?;
    let kind = words[at].get(..3).unwrap_or("HRB").trim_end_matches('-');
    let number: String = if is_joined_number(words[at]) {
        words[at].get(3..)?.chars().filter(char::is_ascii_digit).collect()
    } else {
        words[at + 1..]
            .iter()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?
            .chars()
            .take_while(char::is_ascii_digit)
            .collect()
    };
    let court_word = |word: &str| {
        matches!(word, "Amtsgericht" | "AG" | "Registergericht" | "Handelsregister" | "beim" | "Nr." | "Reg.-Gericht")
    };
    let before = words[..at].iter().rposition(|word| court_word(word));
    let after = words[at + 1..].iter().position(|word| court_word(word)).map(|found| at + 1 + found);
    let court = match (before, after) {
        (Some(found), _) if found + 1 < at => words[found + 1..at].join(" "),
        (_, Some(found)) => {
            words.get(found + 1).filter(|word| **word != "AG").or_else(|| words.get(found + 2))?.to_string()
        }
        _ => return None,
    };
    let court = court.trim_end_matches('.');
    (!number.is_empty() && number.len() < 8 && !court.is_empty()).then(|| format!("{court} {kind} {number}"))
}

fn is_joined_number(word: &str) -> bool {
    (word.starts_with("HRB") || word.starts_with("HRA"))
        && word.get(3..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn core_and_legal_form_come_apart() {
        for (text, core, form) in [
            ("Huber GmbH", "huber", Some("GmbH")),
            ("HUBER GMBH", "huber", Some("GmbH")),
            ("Huber Holding GmbH", "huber holding", Some("GmbH")),
            ("Huber GmbH & Co. KG", "huber", Some("GmbH & Co. KG")),
            ("Huber GmbH&Co.KG", "huber", Some("GmbH & Co. KG")),
            ("Huber Gmbh u. Co. KG", "huber", Some("GmbH & Co. KG")),
            ("Huber GmbH + Co KG", "huber", Some("GmbH & Co. KG")),
            ("Thalerberg & Söhne Ges.m.b.H.", "thalerberg und soehne", Some("Ges.m.b.H.")),
            ("Emsland Agrarroboter UG (haftungsbeschränkt)", "emsland agrarroboter", Some("UG (haftungsbeschränkt)")),
            ("Odra Napedy Sp. z o.o.", "odra napedy", Some("Sp. z o.o.")),
            ("Moravské pohony s.r.o.", "moravske pohony", Some("s.r.o.")),
            ("Minett Stahlservice S.à r.l.", "minett stahlservice", Some("S.à r.l.")),
            ("Laguna Vetro Impianti S.p.A.", "laguna vetro impianti", Some("S.p.A.")),
            ("Sønderjysk Transmission A/S", "soenderjysk transmission", Some("A/S")),
            ("Emscher Pumpwerke AöR", "emscher pumpwerke", Some("AöR")),
            ("Grabowski Landtechnik e.K.", "grabowski landtechnik", Some("e.K.")),
            ("Gießerei \"Glück auf\" GmbH", "giesserei glueck auf", Some("GmbH")),
            ("Zurbriggen Mechanik", "zurbriggen mechanik", None),
            ("Stadtwerke Oberwiesbach GmbH", "stadtwerke oberwiesbach", Some("GmbH")),
        ] {
            let company = read(text, "").unwrap();
            assert_eq!((company.core.as_str(), company.legal_form), (core, form), "{text}");
        }
    }

    #[test]
    fn what_surrounds_the_name_is_not_the_name() {
        assert_eq!(read("Fa. Huber GmbH, Rosenheim", "Rosenheim").unwrap().name, "Huber GmbH");
        assert_eq!(
            read("Neckarkraft Schaltanlagen GmbH - Niederlassung Süd -", "Heilbronn").unwrap().name,
            "Neckarkraft Schaltanlagen GmbH"
        );
        assert_eq!(read("Elbgreif Fördersysteme AG, CH-3110 Münsingen", "").unwrap().name, "Elbgreif Fördersysteme AG");
        assert_eq!(
            read("NIEDERLAUSITZER BERGBAUTECHNIK GMBH", "").unwrap().name,
            "Niederlausitzer Bergbautechnik GmbH"
        );
        assert_eq!(read("Meier, Schulze & Partner", "").unwrap().name, "Meier, Schulze & Partner");
        assert_eq!(read("BASF SE", "").unwrap().name, "BASF SE");
        assert_eq!(read("  ", ""), None);
    }

    #[test]
    fn lost_letters_and_umlauts_do_not_make_a_second_company() {
        assert!(same_core("odra nap?dy", "odra napedy") && same_core(&core_of("Müller"), &core_of("Muller")));
        assert!(!same_core("huber", "huber holding"));
    }

    #[test]
    fn the_german_vat_id_has_a_check_digit() {
        assert_eq!(vat_id("DE 136 695 976").as_deref(), Some("DE136695976"));
        assert_eq!(vat_id("DE136695977"), None);
        assert_eq!(vat_id("ATU 12345678").as_deref(), Some("ATU12345678"));
        assert_eq!(vat_id_in("CHE-123.456.789 MWST").as_deref(), Some("CHE123456789"));
        assert_eq!(vat_id_in("Amtsgericht Ulm HRB 990114 · USt-IdNr.: DE136695976").as_deref(), Some("DE136695976"));
        assert_eq!(vat_id_in("IHRE DEMO 12"), None);
    }

    #[test]
    fn the_register_number_needs_its_court() {
        assert_eq!(
            register_in("Sitz der Gesellschaft: Aalen | Amtsgericht Ulm HRB 990114").as_deref(),
            Some("Ulm HRB 990114")
        );
        assert_eq!(
            register_in("Registergericht: Amtsgericht Bad Kreuznach, HRB 990140").as_deref(),
            Some("Bad Kreuznach HRB 990140")
        );
        assert_eq!(
            register_in("neue Handelsregisternummer HRB 990253 beim AG Osnabrück.").as_deref(),
            Some("Osnabrück HRB 990253")
        );
        assert_eq!(register_in("HRB 990114"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*", city in "\\PC{0,8}") {
            let _ = (read(&text, &city), vat_id(&text), vat_id_in(&text), register_in(&text), name_of_domain(&text), has_form(&text));
        }

        #[test]
        fn names_like_companies_do_not_panic(text in "[A-Za-zäöü .,&()|-]{0,30}( GmbH| & Co. KG| HRB 12| AG Köln| DE1)?") {
            let _ = (read(&text, "Köln"), vat_id_in(&text), register_in(&text), has_form(&text));
        }
    }
}
