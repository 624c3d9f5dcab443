//! Countries by their names, and what a postcode, a number or a domain tells of them.

use crate::name::fold;

/// ISO 3166 alpha-2 and the names that European lists use, folded (see [`fold`]).
const NAMES: &str = "
DE=de d brd ger deu deutschland germany allemagne germania duitsland niemcy nemecko tyskland bundesrepublik_deutschland alemania
AT=at a aut oesterreich osterreich austria autriche oostenrijk rakousko austrija
CH=ch che schweiz suisse svizzera svizra switzerland zwitserland suiza confoederatio_helvetica schweiz_ch
LI=li lie fl liechtenstein
IT=it i ita italien italia italy italie
FR=fr f fra frankreich france francia frankrijk
BE=be b bel belgien belgique belgie belgium belgio
NL=nl nld niederlande nederland holland netherlands the_netherlands pays_bas paesi_bassi
LU=lu l lux luxemburg luxembourg letzebuerg lussemburgo
PL=pl pol polen polska poland pologne polonia
CZ=cz cze tschechien tschechische_republik cesko ceska_republika czech_republic czechia tchequie
SK=sk svk slowakei slowakische_republik slovensko slovakia slovaquie
HU=hu h hun ungarn magyarorszag hungary hongrie
SI=si svn slowenien slovenija slovenia slovenie
HR=hr hrv kroatien hrvatska croatia croatie
DK=dk dnk daenemark danemark danmark denmark
SE=se s swe schweden sverige sweden suede
NO=no n nor norwegen norge norway norvege
FI=fi fin finnland suomi finland finlande
IS=is isl island iceland
GB=gb uk gbr grossbritannien vereinigtes_koenigreich vereinigtes_konigreich united_kingdom great_britain england schottland wales royaume_uni
IE=ie irl irland ireland irlande eire
ES=es e esp spanien espana spain espagne spagna
PT=pt p prt portugal portogallo
RO=ro rou rumaenien rumanien romania roumanie
BG=bg bgr bulgarien bulgaria bulgarie
GR=gr grc griechenland greece grece hellas
EE=ee est estland eesti estonia
LV=lv lva lettland latvija latvia
LT=lt ltu litauen lietuva lithuania
CY=cy cyp zypern cyprus
MT=mt mlt malta
TR=tr tur tuerkei turkei turkiye turkey turquie
UA=ua ukr ukraine ukraina
RS=rs srb serbien srbija serbia
BA=ba bih bosnien_und_herzegowina bosnien bosnia
US=us usa united_states united_states_of_america vereinigte_staaten
CN=cn chn china
JP=jp jpn japan
IN=in ind indien india
";

/// The country that a cell names.
pub fn read(text: &str) -> Option<&'static str> {
    let folded = fold(text).replace(['.', '(', ')'], "");
    let name = folded.split([' ', '-']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if name.is_empty() {
        return None;
    }
    lines().find(|(_, names)| names.split(' ').any(|known| known == name)).map(|(code, _)| code)
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.lines().filter_map(|line| line.split_once('='))
}

/// Whether we know the code.
pub fn is_code(code: &str) -> bool {
    lines().any(|(known, _)| known == code)
}

/// The country of a domain, where its top level is one of a country.
pub fn of_domain(domain: &str) -> Option<&'static str> {
    let tld = domain.rsplit('.').next()?.to_uppercase();
    // Domains of these are bought for their sound.
    if matches!(tld.as_str(), "EU" | "IO" | "CO" | "IS" | "IN" | "BA" | "US") {
        return None;
    }
    let tld = if tld == "UK" { "GB".to_owned() } else { tld };
    lines().find(|(code, _)| *code == tld).map(|(code, _)| code)
}

/// A postcode without the country before it, and that country: `D-66280`, `CH-9630`, `5651 GG`.
pub fn postcode(text: &str) -> (String, Option<&'static str>) {
    let text = text.trim();
    if let Some((prefix, rest)) = text.split_once(['-', ' ']) {
        let rest = rest.trim();
        let letters = !prefix.is_empty() && prefix.len() <= 3 && prefix.chars().all(|c| c.is_ascii_uppercase());
        if letters && rest.starts_with(|c: char| c.is_ascii_digit()) {
            let code = match prefix {
                "L" => Some("LU"),
                "FL" => Some("LI"),
                _ => read(prefix),
            };
            if code.is_some() {
                return (rest.to_owned(), code);
            }
        }
    }
    (text.to_owned(), None)
}

/// The countries whose postcodes have this form, of those that a DACH fair sees most.
pub fn of_postcode(postcode: &str) -> &'static [&'static str] {
    let form: String = postcode
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_ascii_alphabetic() {
                'A'
            } else {
                c
            }
        })
        .collect();
    match form.as_str() {
        "99999" => &["DE", "FR", "IT", "ES", "CZ", "FI"],
        "9999" => &["AT", "CH", "LI", "BE", "DK", "HU", "LU", "NO", "SI"],
        "9999 AA" | "9999AA" => &["NL"],
        "99-999" => &["PL"],
        "999 99" => &["CZ", "SE", "SK"],
        _ => &[],
    }
}

/// Places whose postcode begins with 0.
const ZERO_PLACES: &str = " dresden leipzig chemnitz halle jena gera zwickau plauen cottbus dessau
dessau rosslau goerlitz bautzen hoyerswerda freiberg meissen pirna freital riesa torgau altenburg
saalfeld rudolstadt weissenfels merseburg naumburg wittenberg zittau aue annaberg buchholz
senftenberg finsterwalde spremberg forst guben radebeul radeberg kamenz loebau delitzsch grimma
wurzen borna markkleeberg schkeuditz eilenburg zeitz bitterfeld wolfen sangerhausen eisleben
quedlinburg aschersleben bernburg koethen hettstedt freyburg seiffen koenigstein koenigsee sonneberg
poessneck greiz glauchau meerane crimmitschau werdau reichenbach auerbach oelsnitz klingenthal
schwarzenberg limbach mittweida doebeln stollberg marienberg luebben luebbenau calau herzberg
elsterwerda schmoelln apolda ";

/// The leading zero of a German postcode that a spreadsheet dropped: `1097` is `01097` if the
/// place or the area code of the phone says so.
pub fn restored_zero(postcode: &str, city: &str, phones: &[String]) -> Option<String> {
    if postcode.len() != 4 || !postcode.bytes().all(|b| b.is_ascii_digit()) || postcode.starts_with('0') {
        return None;
    }
    let folded = fold(city);
    let place = folded.split([' ', '-', '(', '/']).next().filter(|place| !place.is_empty());
    let by_place = place.is_some_and(|place| ZERO_PLACES.split_ascii_whitespace().any(|known| known == place));
    let by_phone = phones
        .iter()
        .any(|phone| ["+4934", "+4935", "+4936", "+4937", "+49394"].iter().any(|area| phone.starts_with(area)));
    (by_place || by_phone).then(|| format!("0{postcode}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_country_is_known_by_the_names_that_lists_give_it() {
        let names = [
            ("Deutschland", "DE"),
            ("deutschland", "DE"),
            ("D", "DE"),
            ("DEUTSCHLAND", "DE"),
            ("BRD", "DE"),
            ("Allemagne", "DE"),
            ("Österreich", "AT"),
            ("A", "AT"),
            ("Schweiz", "CH"),
            ("Suisse", "CH"),
            ("Nederland", "NL"),
            ("Holland", "NL"),
            ("Pays-Bas", "NL"),
            ("Česká republika", "CZ"),
            ("Tschechien", "CZ"),
            ("Italien", "IT"),
            ("Großbritannien", "GB"),
            ("Dänemark", "DK"),
            ("Liechtenstein", "LI"),
            ("The Netherlands", "NL"),
            ("U.S.A.", "US"),
        ];
        for (name, code) in names {
            assert_eq!(read(name), Some(code), "{name}");
        }
        assert_eq!(read("Bayern"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_postcode_may_carry_its_country() {
        assert_eq!(postcode("D-66280"), ("66280".into(), Some("DE")));
        assert_eq!(postcode("CH-9630"), ("9630".into(), Some("CH")));
        assert_eq!(postcode("A 6020"), ("6020".into(), Some("AT")));
        assert_eq!(postcode("5651 GG"), ("5651 GG".into(), None));
        assert_eq!(postcode("53-609"), ("53-609".into(), None));
    }

    #[test]
    fn a_lost_zero_comes_back_only_where_place_or_phone_says_so() {
        assert_eq!(restored_zero("1097", "Dresden", &[]).as_deref(), Some("01097"));
        assert_eq!(restored_zero("6632", "Unbekannt", &["+4934464555510".into()]).as_deref(), Some("06632"));
        assert_eq!(restored_zero("3930", "Visp", &["+41795550391".into()]), None);
        assert_eq!(restored_zero("73430", "Aalen", &[]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = (read(&text), postcode(&text), of_postcode(&text), of_domain(&text), restored_zero(&text, &text, &[]));
        }
    }
}
