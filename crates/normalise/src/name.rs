//! Names of persons: titles, particles, order, case; and the folded forms by which they are
//! compared.

use unicode_normalization::UnicodeNormalization;

use crate::nicknames;

/// A name taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    pub title: Option<String>,
    pub first: Option<String>,
    /// Surname with particles and suffix: "von der Heide", "Weißgerber jun."
    pub last: Option<String>,
    /// The choice that a "Herr" or "Frau" before the name stands for.
    pub salutation: Option<&'static str>,
    /// What stood after the name and is a position: "Hans Müller, Geschäftsführer".
    pub position: Option<String>,
    /// What stood in brackets behind the name: "Schmidt (Einkauf)".
    pub aside: Option<String>,
    /// Which rule changed more than blanks: `name.comma`, `name.split`, `name.case`.
    pub rules: Vec<&'static str>,
}

/// Words of titles, longest sequences are built from them: "Prof. Dr.-Ing. habil."
const TITLES: &str = " prof professor univ-prof apl.prof hon-prof dr dres dr-ing ing dipl-ing dipl-kfm dipl-kffr
dipl-wirt-ing dipl-wirtsch-ing dipl-inform dipl-phys dipl-chem dipl-math dipl-betriebsw dipl-oec dipl-vw dipl-des dipl-ök dipl
mag magister bsc b.sc msc m.sc ba b.a ma m.a mba m.eng b.eng ll.m llm meng beng phd ph.d di ddi dkfm mmag ddr
stb wp ra wpin rain ir drs mr.dr pd med rer nat pol oec publ phil jur iur techn h.c hc mult habil vet agr forst theol lic
(fh) (tu) (univ) (ba) (dh) bakk kommr kr prok eur.ing e.h em ";

/// Small words of surnames.
const PARTICLES: &str = " von vom zu zum zur van de der den dem del della di da dos du le la ter ten te op auf im
am an af av d' l' el al bin ben ibn mac mc freiherr freifrau freiin graf gräfin baron baronin prinz prinzessin
fürst fürstin ritter edler edle zu und st. san santa 't ";

const SUFFIXES: &str = " sen sen. senior sr sr. jun jun. junior jr jr. ii iii ";

fn in_list(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

fn is_title(word: &str) -> bool {
    if word.len() > 40 {
        return false;
    }
    let lower = word.to_lowercase();
    let bare = lower.trim_matches(['.', ',']).replace(".-", "-");
    let together = bare.contains('.') && bare.split('.').all(|part| !part.is_empty() && in_list(TITLES, part));
    together || in_list(TITLES, &bare) || (lower.starts_with("dipl.-") && lower.len() > 6)
}

/// Words of positions, or what they end in. A cell after a name or under "Titel" that holds one is
/// no name and no degree.
const POSITIONS: &str = " geschaeftsfuehrer geschaeftsfuehrerin geschaeftsfuehrung inhaber inhaberin prokurist prokuristin
vorstand vorsitzender vorsitzende leiter leiterin leitung einkauf einkaeufer einkaeuferin vertrieb verkauf marketing
assistent assistentin assistenz sachbearbeiter sachbearbeiterin manager managerin director direktor direktorin president
ceo cto cfo coo cio cmo gf owner founder partner gesellschafter gesellschafterin konstrukteur konstrukteurin meister
entwickler entwicklerin berater beraterin consultant engineer buyer purchasing sales head chef chefin referent referentin
koordinator koordinatorin techniker technikerin ";

/// Whether the text is a position rather than a name or a degree.
pub fn is_position(text: &str) -> bool {
    const ENDS: [&str; 9] =
        ["leiter", "leiterin", "leitung", "fuehrer", "fuehrerin", "manager", "managerin", "vorstand", "meister"];
    let folded = fold(text);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).any(|word| {
        in_list(POSITIONS, word) || ENDS.iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end))
    })
}
/// A word that only counts as a title beside another or with its dot: "ing", "di", "ma", "ra".
fn is_weak_title(word: &str) -> bool {
    let bare = word.to_lowercase();
    !word.ends_with('.')
        && (matches!(
            bare.as_str(),
            "di" | "ma"
                | "ba"
                | "ra"
                | "wp"
                | "med"
                | "em"
                | "kr"
                | "pd"
                | "ing"
                | "ir"
                | "mag"
                | "hc"
                | "nat"
                | "pol"
                | "phil"
                | "jur"
                | "iur"
                | "vet"
                | "lic"
                | "drs"
        ))
}

pub fn is_particle(word: &str) -> bool {
    in_list(PARTICLES, &word.to_lowercase())
}

/// Whether the word says father or son.
pub fn is_suffix(word: &str) -> bool {
    in_list(SUFFIXES, &word.to_lowercase())
}

/// `senior` or `junior`, of a surname that says so.
pub fn generation(last: &str) -> Option<&'static str> {
    let word = last.split_whitespace().next_back()?.to_lowercase();
    match word.trim_end_matches('.') {
        "sen" | "senior" | "sr" => Some("senior"),
        "jun" | "junior" | "jr" => Some("junior"),
        _ => None,
    }
}

/// The choice `mr` or `ms` that a salutation stands for.
pub fn salutation(text: &str) -> Option<&'static str> {
    match fold(text).trim_end_matches('.') {
        "herr" | "herrn" | "hr" | "hrn" | "mr" | "m" | "monsieur" | "sig" | "signor" | "signore" | "0" | "male"
        | "mann" | "dhr" | "heer" | "pan" | "senor" | "sr" | "maennlich" | "mannlich" | "mister" | "sir" => Some("mr"),
        "frau" | "fr" | "ms" | "mrs" | "miss" | "mme" | "madame" | "mlle" | "sig.ra" | "signora" | "1" | "2"
        | "female" | "w" | "f" | "fraeulein" | "fraulein" | "mevr" | "mevrouw" | "pani" | "senora" | "sra"
        | "weiblich" => Some("ms"),
        "divers" | "d" | "diverse" | "x" | "mx" => Some("divers"),
        _ => None,
    }
}

/// The choice that a salutation stands for, and the title that stands in the same cell: "Herr Dr."
pub fn salutation_and_title(text: &str) -> (Option<&'static str>, String) {
    if let Some(choice) = salutation(text) {
        return (Some(choice), String::new());
    }
    let text = spaced(text);
    let Some((first, rest)) = text.split_once(' ') else { return (None, String::new()) };
    match salutation(first) {
        Some(choice) if rest.split(' ').all(is_title) => (Some(choice), rest.to_owned()),
        _ => (None, String::new()),
    }
}

/// "Herr", "Frau" and the like before a name.
fn take_salutation(text: &str) -> (Option<&'static str>, &str) {
    let Some((first, rest)) = text.split_once(' ') else { return (None, text) };
    let word = fold(first);
    match word.trim_end_matches('.') {
        "herr" | "herrn" | "hr" | "hrn" | "mr" | "mister" | "monsieur" | "signor" => (Some("mr"), rest),
        "frau" | "fr" | "ms" | "mrs" | "miss" | "madame" | "mme" | "signora" | "fraeulein" => (Some("ms"), rest),
        _ => (None, text),
    }
}

/// Reads a whole name: "Dr. Hans Müller", "Müller, Hans", "MÜLLER Hans", "Müller, Hans Dr.",
/// "Herr Müller", "Hans Müller, Geschäftsführer".
pub fn read(text: &str) -> Name {
    let text = spaced(text);
    let mut name = Name::default();
    let (text, aside) = without_aside(&text);
    name.aside = aside;
    let (salutation, text) = take_salutation(text);
    name.salutation = salutation;
    let text = match text.split_once(',') {
        Some((whole, position)) if is_position(position) => {
            name.position = Some(position.trim().to_owned());
            whole.trim()
        }
        _ => text,
    };
    let (titles, rest) = take_titles(text);
    let (titles, rest) = match rest.split_once(',') {
        Some((last, first)) if !first.trim().is_empty() => {
            name.rules.push("name.comma");
            let (more, first) = take_titles(first.trim());
            let (first, after) = trailing_titles(&first);
            (joined(&[&titles, &more, &after]), format!("{first}\u{1f}{}", last.trim()))
        }
        _ => {
            let (rest, after) = trailing_titles(&rest);
            (joined(&[&titles, &after]), rest)
        }
    };
    name.title = (!titles.is_empty()).then_some(titles);
    let (first, last) = match rest.split_once('\u{1f}') {
        Some((first, last)) => (first.to_owned(), last.to_owned()),
        None => split_names(&rest, &mut name.rules),
    };
    name.first = (!first.is_empty()).then_some(first);
    name.last = (!last.is_empty()).then_some(last);
    name
}

/// Puts together what a form has in two cells, either of which may hold the whole name.
pub fn of_parts(title: &str, first: &str, last: &str) -> Name {
    let (salutation, first) = match fold(first.trim()).trim_end_matches('.') {
        "herr" | "herrn" | "hr" => (Some("mr"), ""),
        "frau" | "fr" => (Some("ms"), ""),
        _ => take_salutation(first.trim()),
    };
    let (mut name, last_titles) = if spaced(first).is_empty() && last.trim().contains([' ', ',']) {
        let whole = read(last);
        let title = whole.title.clone().unwrap_or_default();
        (whole, title)
    } else {
        let last = spaced(last);
        let (last, aside) = without_aside(&last);
        let (salutation, last) = take_salutation(last);
        let (before, last) = take_titles(last);
        let (last, after) = without_degrees(&last);
        let name = Name { last: (!last.is_empty()).then(|| last.to_owned()), salutation, aside, ..Name::default() };
        (name, joined(&[&before, after]))
    };
    name.salutation = name.salutation.or(salutation);
    let (first_titles, first) = take_titles(&spaced(first));
    if name.first.is_none() && !first.is_empty() {
        name.first = Some(first);
    }
    let mut titles = spaced(title);
    for more in [&first_titles, &last_titles] {
        if !more.is_empty() && !fold(&titles).contains(&fold(more)) {
            titles = joined(&[&titles, more]);
        }
    }
    name.title = (!titles.is_empty()).then_some(titles);
    name.proper_case();
    name
}

impl Name {
    /// `MÜLLER` to `Müller`; a name of initials stays as it is.
    pub fn proper_case(&mut self) {
        let shouts = |text: &Option<String>| text.as_deref().is_some_and(is_shouted);
        let whispers = |text: &Option<String>| {
            text.as_deref().is_some_and(|t| t.chars().count() > 2 && !t.chars().any(char::is_uppercase))
        };
        if shouts(&self.last) || (whispers(&self.first) && whispers(&self.last)) {
            self.rules.push("name.case");
            self.last = self.last.as_deref().map(proper);
            if shouts(&self.first) || whispers(&self.first) {
                self.first = self.first.as_deref().map(proper);
            }
        } else if shouts(&self.first) && self.first.as_deref().is_some_and(|first| first.chars().count() > 3) {
            self.rules.push("name.case");
            self.first = self.first.as_deref().map(proper);
        }
    }
}

/// Four letters or more, all of them capitals.
pub fn is_shouted(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 4 && !text.chars().any(char::is_lowercase)
}

/// Words begin with a capital, particles do not.
pub fn proper(text: &str) -> String {
    text.split(' ')
        .map(
            |word| {
                if is_particle(word) && !word.eq_ignore_ascii_case("am") { word.to_lowercase() } else { capital(word) }
            },
        )
        .collect::<Vec<_>>()
        .join(" ")
}

fn capital(word: &str) -> String {
    let mut start = true;
    word.chars()
        .flat_map(|c| {
            let upper = start;
            start = !c.is_alphabetic();
            if upper { c.to_uppercase().collect::<Vec<_>>() } else { c.to_lowercase().collect() }
        })
        .collect()
}

fn spaced(text: &str) -> String {
    mittler_core::value::clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// "Schmidt (Einkauf)" without what is in the brackets; a degree such as "(FH)" is none of that.
fn without_aside(text: &str) -> (&str, Option<String>) {
    let inside = || {
        let (name, inside) = text.strip_suffix(')')?.rsplit_once('(')?;
        let (name, inside) = (name.trim_end(), inside.trim());
        let degree = inside.split(' ').all(|word| is_title(word) || is_title(&format!("({word})")));
        (!name.is_empty() && !degree).then(|| (name, inside.to_owned()))
    };
    inside().map_or((text, None), |(name, inside)| (name, Some(inside)))
}

/// "Schmidt, MBA": a surname and the degrees after its comma.
fn without_degrees(last: &str) -> (&str, &str) {
    match last.split_once(',') {
        Some((name, after)) if !name.trim().is_empty() && after.split_whitespace().all(is_title) => {
            (name.trim(), after.trim())
        }
        _ => (last, ""),
    }
}

/// The titles before a name and the name. Titles written together ("Dr.Müller") are not torn.
fn take_titles(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut count = 0;
    while count < words.len() && is_title(words[count]) {
        count += 1;
    }
    let only_weak = words[..count].iter().all(|word| is_weak_title(word));
    let lower_name = count == 1 && words.len() == 1;
    if count == 0 || (only_weak && !(count == 1 && words.len() > 2)) || (lower_name && !words[0].ends_with('.')) {
        return (String::new(), words.join(" "));
    }
    (words[..count].join(" "), words[count..].join(" "))
}

/// The titles after a name: "Hans Müller, MBA" or "Müller, Hans Dr."
fn trailing_titles(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut start = words.len();
    while start > 1 && is_title(words[start - 1]) && !is_weak_title(words[start - 1]) {
        start -= 1;
    }
    let name = words[..start].join(" ");
    (name.trim_end_matches(',').to_owned(), words[start..].join(" "))
}

fn split_names(text: &str, rules: &mut Vec<&'static str>) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() < 2 {
        return (String::new(), words.join(" "));
    }
    rules.push("name.split");
    // "MÜLLER Hans", "VAN DER VELDE Sander": the shouted words are the surname.
    let shouted = words.iter().take_while(|word| is_shouted(word) || is_shouted_particle(word)).count();
    let (surname, given) = words.split_at(shouted);
    if !given.is_empty()
        && surname.iter().any(|word| is_shouted(word))
        && !given.iter().any(|word| is_shouted(word))
        && given[0].chars().count() > 2
        && (is_given_name(given[0]) || !is_given_name(surname[0]))
    {
        return (given.join(" "), surname.join(" "));
    }
    // "Ammann Reto": Swiss and Austrian mail systems put the surname first. "Kai Werner" may be
    // either, so it stays as it is written.
    if words.len() == 2
        && is_given_name(words[1])
        && !nicknames::is_surname_too(&fold(words[1]))
        && !is_given_name(words[0])
        && !words[0].ends_with('.')
    {
        rules.push("name.order");
        return (words[1].to_owned(), words[0].to_owned());
    }
    let mut start = words.len() - 1;
    while start > 1 && is_suffix(words[start]) {
        start -= 1;
    }
    let particle =
        words.iter().enumerate().skip(1).find(|(at, word)| *at < start && is_particle(word)).map(|(at, _)| at);
    let at = particle.unwrap_or(start);
    (words[..at].join(" "), words[at..].join(" "))
}

fn is_shouted_particle(word: &str) -> bool {
    is_particle(word) && !word.chars().any(char::is_lowercase)
}

/// Whether it is one of the common first names of Central Europe.
pub fn is_given_name(word: &str) -> bool {
    nicknames::is_given_name(&fold(word))
}

/// Lower case, ä to ae and the like, other accents off, blanks single.
pub fn fold(text: &str) -> String {
    fold_with(text, true)
}

/// Like [`fold`] but ä to a: how many systems outside of German-speaking countries write it.
pub fn fold_plain(text: &str) -> String {
    fold_with(text, false)
}

fn fold_with(text: &str, german: bool) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfc().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'æ' if german => folded.push_str("ae"),
            'ö' | 'ø' | 'œ' if german => folded.push_str("oe"),
            'ü' if german => folded.push_str("ue"),
            'æ' => folded.push('a'),
            'ø' | 'œ' => folded.push('o'),
            'ß' | 'ẞ' => folded.push_str("ss"),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' => {}
            '’' | '`' | '´' => folded.push('\''),
            c if c.is_whitespace() => folded.push(' '),
            c => {
                folded.extend(std::iter::once(c).nfd().filter(|d| !unicode_normalization::char::is_combining_mark(*d)));
            }
        }
    }
    folded.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The forms of a surname that may meet: with and without the German way to write umlauts, no
/// particles' blanks, no suffix.
pub fn surname_keys(last: &str) -> Vec<String> {
    let bare: Vec<&str> = last.split_whitespace().filter(|word| !is_suffix(word)).collect();
    let bare = bare.join(" ");
    let mut keys: Vec<String> = [fold(&bare), fold_plain(&bare)]
        .into_iter()
        .map(|key| key.chars().filter(|c| c.is_alphanumeric()).collect())
        .filter(|key: &String| key.chars().count() > 1)
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Whether two surnames may be one: equal when folded, one part of a double name, a letter that an
/// export lost (`?`), or a slip of one letter in a long name that sounds the same.
pub fn same_surname(a: &str, b: &str) -> bool {
    let (keys_a, keys_b) = (surname_keys(a), surname_keys(b));
    if keys_a.iter().any(|key| keys_b.contains(key)) || lost_letters_agree(a, b) {
        return true;
    }
    if is_initial(a) || is_initial(b) {
        return first_letter(a) == first_letter(b);
    }
    let parts = |name: &str| -> Vec<String> {
        fold(name).split(['-', ' ']).filter(|part| part.len() > 2 && !is_particle(part)).map(str::to_owned).collect()
    };
    let (parts_a, parts_b) = (parts(a), parts(b));
    (parts_a.len() > 1 || parts_b.len() > 1) && parts_a.iter().any(|part| parts_b.contains(part))
}

/// Names that are no more than a slip apart: "Schmidt" and "Schmitt". Evidence for a question,
/// never for a match.
pub fn like_surname(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    same_surname(&a, &b)
        || (a.len() > 4 && strsim::damerau_levenshtein(&a, &b) <= 1)
        || (!a.is_empty() && sound(&a) == sound(&b))
}

/// Cologne phonetics, word by word.
pub fn sound(text: &str) -> String {
    use rphonetic::Encoder;
    fold(text).split([' ', '-']).map(|word| rphonetic::Cologne.encode(word)).collect::<Vec<_>>().join(" ")
}

/// Whether two first names may be one person's: equal, a nickname, an initial, or one of several.
pub fn same_given(a: &str, b: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        fold(name).split([' ', '-', '.']).filter(|word| !word.is_empty() && *word != "und").map(str::to_owned).collect()
    };
    if lost_letters_agree(a, b) {
        return true;
    }
    let (a, b) = (words(a), words(b));
    let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { return true };
    if is_initial(first_a) || is_initial(first_b) {
        return first_letter(first_a) == first_letter(first_b);
    }
    let plain = |word: &str| word.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    a.iter().any(|x| b.iter().any(|y| plain(x) == plain(y) || nicknames::same(x, y) || is_slip(x, y)))
}

/// One letter of a long name that somebody mistyped. Andrea and Andreas, Karin and Katrin are as
/// near and are two names.
fn is_slip(a: &str, b: &str) -> bool {
    let two_names = nicknames::is_given_name(a) && nicknames::is_given_name(b);
    a.len() > 4
        && b.len() > 4
        && !two_names
        && !a.starts_with(b)
        && !b.starts_with(a)
        && strsim::damerau_levenshtein(a, b) <= 1
}

/// Whether the first names agree in more than an initial.
pub fn surely_same_given(a: &str, b: &str) -> bool {
    let initial = |name: &str| name.split([' ', '-']).next().is_some_and(is_initial);
    !initial(a) && !initial(b) && same_given(a, b)
}

fn is_initial(word: &str) -> bool {
    let bare = word.trim_end_matches('.');
    !bare.is_empty() && bare.chars().count() == 1
}

fn first_letter(word: &str) -> Option<char> {
    fold(word).chars().next()
}

/// `Dvo?ák` and `Dvořák`: a question mark stands for any letter.
pub fn lost_letters_agree(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (plain_letters(a), plain_letters(b));
    let lost = a.contains(&'?') || b.contains(&'?');
    lost && a.len() == b.len() && a.len() > 2 && a.iter().zip(&b).all(|(x, y)| x == y || *x == '?' || *y == '?')
}

fn plain_letters(text: &str) -> Vec<char> {
    fold_plain(text).chars().filter(|c| c.is_alphanumeric() || *c == '?').collect()
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
