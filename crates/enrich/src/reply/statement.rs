//! What a sender says of themselves in running text: "meine neue Durchwahl ist …", "ich bin jetzt
//! Leiter …", "wir firmieren als …".
//!
//! **Invariant:** a sentence about somebody else gives nothing: "wenden Sie sich an Frau …".

use crate::{
    company::{self, Company},
    email::{self, Email},
    name::{self, fold},
    phone::{self, Phone},
    reply::{
        sentence::{find, sentences},
        signature::{is_service, names_job},
    },
};

/// What the text says of its sender.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    pub phones: Vec<Phone>,
    /// Numbers that are no longer valid.
    pub old_phones: Vec<Phone>,
    pub emails: Vec<Email>,
    pub position: Option<String>,
    pub company: Option<Company>,
    /// First name and surname, as far as stated.
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The sender leaves or left the company of the signature.
    pub leaves: bool,
}

/// Who speaks of somebody else, folded.
const OTHERS: [&str; 32] = [
    "wenden sie sich",
    "wende dich",
    "ansprechpartner",
    "kollege",
    "kollegin",
    "nachfolger",
    "vertretung",
    "vertritt",
    "vertreten",
    "mein chef",
    "meine chefin",
    "sekretariat",
    "my colleague",
    "my successor",
    "my assistant",
    "new assistant",
    "my deputy",
    "my boss",
    "my manager",
    "mein vorgesetzter",
    "meine vorgesetzte",
    "please contact",
    "contact person",
    "mein vater",
    "collegue",
    "collega",
    "kolega",
    "assistent",
    "bitte an frau",
    "bitte an herrn",
    "rufen sie bitte herrn",
    "rufen sie bitte frau",
];

/// What announces a number of the sender.
const NUMBER: [&str; 92] = [
    "erreichbar unter",
    "zu erreichen unter",
    "neue mailadresse",
    "neue e-mail",
    "neue emailadresse",
    "neue adresse",
    "new email",
    "new e-mail",
    "neue durchwahl",
    "neuen durchwahl",
    "neue nummer",
    "neuen nummer",
    "neue nr",
    "neue tel",
    "neue handynummer",
    "neue handynr",
    "neue mobilnummer",
    "neue mobil",
    "neue rufnummer",
    "neue festnetz",
    "neues handy",
    "neues diensthandy",
    "neues telefon",
    "neues mobil",
    "nummer ist jetzt",
    "nummer ist nun",
    "nummer lautet",
    "nummer hat sich",
    "durchwahl hat sich",
    "durchwahl ist jetzt",
    "durchwahl ist nun",
    "durchwahl lautet",
    "erreichen sie mich",
    "erreicht ihr mich",
    "erreichst du mich",
    "erreichen mich",
    "erreicht mich",
    "rufen sie mich",
    "ruf mich",
    "ruft mich",
    "bin erreichbar",
    "bin ich unter",
    "ich bin unter",
    "bin unter",
    "bin ich ab sofort unter",
    "bin ich jetzt unter",
    "bin ich nun unter",
    "bin ich kuenftig unter",
    "bin ab sofort unter",
    "bin jetzt unter",
    "bin nun unter",
    "bin kuenftig unter",
    "richtig ist",
    "korrekt ist",
    "richtige nummer",
    "nutzen sie",
    "verwenden sie",
    "please use",
    "meine durchwahl",
    "meine handynummer",
    "meine mobilnummer",
    "meine telefonnummer",
    "meine rufnummer",
    "meine festnetznummer",
    "meine nummer",
    "meine tel",
    "selbststaendig",
    "my new number",
    "my new phone",
    "my new cell",
    "my new direct",
    "my new extension",
    "my new desk",
    "my number is",
    "my phone number",
    "my mobile number",
    "my cell number",
    "my mobile is",
    "my direct line",
    "number has changed",
    "number is now",
    "new number",
    "new mobile",
    "new cell",
    "new phone",
    "reach me",
    "call me",
    "nouveau numero",
    "nouvelle ligne",
    "nuovo telefono",
    "nuovo numero",
    "nieuw",
];

/// What ends the part of a sentence that holds what is valid now.
const INSTEAD: [&str; 12] = [
    "statt ",
    "anstatt",
    "anstelle",
    "nicht mehr",
    "die alte",
    "der alte",
    "das alte",
    "bisher",
    "instead",
    "the old",
    "no longer",
    "frueher",
];

const VOID: [&str; 9] = [
    "gilt nicht mehr",
    "nicht mehr gueltig",
    "ungueltig",
    "ist abgeschaltet",
    "faellt weg",
    "entfaellt",
    "no longer valid",
    "is dead",
    "nicht mehr erreichbar",
];

/// What somebody is at a company for who does not work there.
const VISITS: [&str; 14] = [
    "uhr",
    "termin",
    "termine",
    "kundentermin",
    "besuch",
    "besuchen",
    "montage",
    "messe",
    "wieder",
    "besprechung",
    "meeting",
    "schulung",
    "inbetriebnahme",
    "vormittag",
];

/// What a position follows.
const STARTS: [&str; 13] = [
    "bin ich",
    "ich bin",
    "bin ab",
    "bin seit",
    "bin nun",
    "bin jetzt",
    "i am now",
    "i'm now",
    "promoted to",
    "joined",
    "moved to",
    "meine neue position ist",
    "meine neue funktion ist",
];

/// What tells that the position is new.
const SIGNS: [&str; 18] = [
    "joined",
    "moved to",
    "jetzt",
    "nun",
    "seit",
    "ab ",
    "inzwischen",
    "neuerdings",
    "kuenftig",
    "mittlerweile",
    "zum ",
    "now",
    "promoted",
    "neue",
    "since",
    "desormais",
    "sinds",
    "ab dem",
];

/// Words after which a date or nothing stands: the job comes behind them.
const DATES: [&str; 8] = ["sofort", "heute", "morgen", "kurzem", "neuestem", "jahresbeginn", "now", "today"];

/// After these stands where somebody is, not what.
const PREPOSITIONS: [&str; 22] = [
    "zum", "zur", "zu", "am", "an", "im", "in", "auf", "bei", "beim", "mit", "von", "vom", "nach", "fuer", "bis", "ab",
    "unter", "ueber", "wegen", "at", "on",
];

/// Small words within a title: "Leiter der Konstruktion", "Head of Sales".
const JOINING: [&str; 15] =
    ["fuer", "und", "der", "des", "&", "den", "die", "im", "of", "for", "and", "the", "de", "di", "du"];

/// What may stand behind a title.
const DONE: [&str; 6] = ["geworden", "taetig", "angestellt", "beschaeftigt", "hier", "now"];

/// Who is not the sender, folded: beginnings of words, with a blank behind whole ones.
const PERSONS: [&str; 27] = [
    "herr",
    "frau ",
    "kolleg",
    "collegue",
    "colleague",
    "assist",
    "chef",
    "vorgesetzt",
    "nachfolg",
    "vertret",
    "team ",
    "abteilung",
    "mitarbeit",
    "sekretar",
    "sekretaer",
    "zentrale",
    "notdienst",
    "notfall",
    "bereitschaft",
    "hotline",
    "empfang",
    "kundendienst",
    "boss",
    "deputy",
    "successor",
    "mr ",
    "mrs ",
];

/// What a company follows.
const ANCHORS: [&str; 19] = [
    "unser neuer name ist",
    "unser neuer firmenname ist",
    "firmieren",
    "firmiert",
    "heissen jetzt",
    "heisst jetzt",
    "company name is",
    "we are now",
    "bei der ",
    "bei dem ",
    "bei ",
    "wechsle zur ",
    "wechsle zu ",
    "gewechselt zur ",
    "moved to ",
    "joined ",
    "work for ",
    "work at ",
    "zur firma ",
];

/// Longer sentences are lists and logs; nobody says in them what is new.
const LONGEST_SENTENCE: usize = 1_000;

pub fn read(body: &str, country: &str) -> Statements {
    let mut statements = Statements::default();
    let all = sentences(body);
    // A new address tells that "bin ich bei der … GmbH" is more than a visit.
    let new_address = all.iter().map(|sentence| fold(sentence)).any(|sentence| {
        ["neue mail", "neue e-mail", "neue email", "neue adresse", "new email", "new e-mail", "neue position"]
            .iter()
            .any(|cue| sentence.contains(cue))
    });
    for sentence in all.into_iter().filter(|sentence| sentence.len() <= LONGEST_SENTENCE) {
        let folded = fold(&sentence);
        statements.leaving(&folded);
        if OTHERS.iter().any(|other| folded.contains(other)) {
            // "seit 1. Mai bin ich Geschäftsführer, mein Vater ist …": only what stands before.
            let own = sentence.split(", ").next().unwrap_or("");
            if !OTHERS.iter().any(|other| fold(own).contains(other)) {
                statements.job(own);
            }
            continue;
        }
        statements.numbers(&sentence, country);
        let before = statements.position.is_some();
        statements.job(&sentence);
        let risen = !before && statements.position.is_some();
        statements.firm(&sentence, risen, new_address);
        statements.names(&sentence);
    }
    statements
}

impl Statements {
    fn leaving(&mut self, folded: &str) {
        const CUES: [&str; 10] = [
            "ich verlasse die firma",
            "ich verlasse das unternehmen",
            "ich verlasse den betrieb",
            "scheide ich",
            "ich scheide",
            "ich wechsle",
            "wechsle ich",
            "i am leaving",
            "i have left",
            "mache mich",
        ];
        self.leaves |= CUES.iter().any(|cue| folded.contains(cue));
    }

    fn numbers(&mut self, sentence: &str, country: &str) {
        let folded = fold(sentence);
        let void = VOID.iter().any(|cue| folded.contains(cue));
        if void {
            let old = ["alte", "alten", "old", "bisherige"].iter().filter_map(|cue| find(sentence, cue)).min();
            if let Some(at) = old {
                let tail = sentence.get(at..).unwrap_or("");
                self.old_phones.extend(phone::find_all(tail, country).into_iter().map(|(_, phone)| phone).take(1));
            }
        }
        let mut cues: Vec<(usize, &str)> = NUMBER
            .iter()
            .filter(|cue| folded.contains(**cue))
            .filter_map(|cue| find(sentence, cue).map(|at| (at, *cue)))
            .collect();
        cues.sort_unstable();
        // "Für Bestellungen nutzen Sie …" names another line, unless a number has just ended.
        let instead = |cue: &str| matches!(cue, "nutzen sie" | "verwenden sie" | "please use");
        cues.retain(|(at, cue)| (void || !instead(cue)) && of_sender(sentence, *at, cue));
        let starts: Vec<usize> = cues.iter().map(|(at, _)| *at).collect();
        for (place, start) in starts.iter().enumerate() {
            let next = starts.get(place + 1).copied().unwrap_or(sentence.len());
            self.take(sentence.get(*start..next).unwrap_or(""), country);
        }
    }

    /// Takes what a cue announces, clause by clause, until one speaks of somebody or something else.
    fn take(&mut self, announced: &str, country: &str) {
        for (place, clause) in announced.split(", ").flat_map(|part| part.split("; ")).enumerate() {
            let folded = fold(clause);
            if place > 0 && PERSONS.iter().any(|person| folded.contains(person)) {
                return;
            }
            // "Meine Handynummer 0171 … gilt nicht mehr": the number is the old one.
            if VOID.iter().any(|cue| folded.contains(cue)) {
                self.take_numbers(clause, country, true);
                return;
            }
            let end = INSTEAD.iter().filter_map(|cue| find(clause, cue)).filter(|at| place > 0 || *at > 0).min();
            let valid = end.and_then(|end| clause.get(..end)).unwrap_or(clause);
            self.take_numbers(valid, country, false);
            self.take_emails(valid);
            if end.is_some() {
                return;
            }
        }
    }

    fn take_numbers(&mut self, valid: &str, country: &str, void: bool) {
        let folded = fold(valid);
        let direct = folded.contains("durchwahl") || folded.contains("direct");
        let mut from = 0;
        for (at, mut phone) in phone::find_all(valid, country).into_iter().take(2) {
            // "… und Herr Kolbe unter 0221 …": the second number is another's.
            let between = fold(valid.get(from..at).unwrap_or(""));
            if from > 0 && PERSONS.iter().any(|person| between.contains(person)) {
                break;
            }
            from = at;
            if is_service(&phone) {
                continue;
            }
            if direct && phone.label == mittler_core::Label::Work {
                phone.label = mittler_core::Label::Direct;
            }
            let known = |phones: &[Phone]| phones.iter().any(|known| known.e164 == phone.e164);
            if known(&self.phones) || known(&self.old_phones) {
                continue;
            }
            if void { self.old_phones.push(phone) } else { self.phones.push(phone) }
        }
    }

    /// An address in copy or of a colleague stands in the same sentence easily: only what "mail" or
    /// "unter" announces right before is the sender's.
    fn take_emails(&mut self, valid: &str) {
        let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')');
        let mut from = 0;
        for word in valid.split(apart) {
            let at = valid.get(from..).and_then(|rest| rest.find(word)).map_or(from, |at| from + at);
            if word.contains('@') {
                let before = valid.get(..at).unwrap_or("").trim_end_matches([' ', '(']);
                let clause = fold(before.rsplit([',', ';', '(', ')']).next().unwrap_or(""));
                let after = fold(valid.get(at + word.len()..).unwrap_or(""));
                let copy = ["in cc", "in kopie", "cc ", "in copy"]
                    .iter()
                    .any(|cue| clause.contains(cue) || after.trim_start().starts_with(cue));
                let announced = ["mail", "adresse", "address", "unter", " at", "selbststaendig", "reach"]
                    .iter()
                    .any(|cue| clause.contains(cue));
                let other = PERSONS.iter().any(|word| clause.contains(word));
                if announced && !copy && !other {
                    self.emails.extend(email::read(word));
                }
            }
            from = at + word.len();
        }
    }

    fn job(&mut self, sentence: &str) {
        if self.position.is_some() || fold(sentence).contains("nicht mehr") {
            return;
        }
        let folded = fold(sentence);
        let Some(start) = STARTS.iter().filter_map(|cue| find(sentence, cue).map(|at| at + cue.len())).min() else {
            return;
        };
        if !SIGNS.iter().any(|sign| folded.contains(sign)) {
            return;
        }
        let tail = sentence.get(start..).unwrap_or("");
        let tail = [" als ", " as "].iter().find_map(|cue| tail.get(find(tail, cue)? + cue.len()..)).unwrap_or(tail);
        let end = [",", ";", " bei ", " und ", " in ", " at ", ".", "(", " –", " - "]
            .iter()
            .filter_map(|stop| tail.find(stop))
            .filter(|at| *at > 0)
            .min()
            .unwrap_or(tail.len());
        // "der neue Leiter": small words before the title fall away, with them a date.
        let words: Vec<&str> = tail.get(..end).unwrap_or("").split_whitespace().collect();
        let first = words
            .iter()
            .position(|word| word.starts_with(char::is_uppercase) && !is_month(word) && !word.starts_with("Ihr"));
        let Some(first) = first else { return };
        // "ich bin zum Service-Termin da", "ich bin im Einkauf nicht erreichbar": a place, no job.
        let dated = |word: &&str| {
            is_month(word) || word.starts_with(|c: char| c.is_ascii_digit()) || DATES.contains(&fold(word).as_str())
        };
        let small = words[..first].iter().rposition(dated).map_or(0, |date| date + 1);
        if words[small..first].iter().any(|word| PREPOSITIONS.contains(&fold(word).as_str())) {
            return;
        }
        let mut title = &words[first..];
        while let [head @ .., last] = title
            && DONE.contains(&fold(last).as_str())
        {
            title = head;
        }
        let joins = |word: &&str| JOINING.contains(&fold(word).as_str());
        let foreign = title.iter().skip(1).any(|word| word.starts_with(char::is_lowercase) && !joins(word));
        let text = title.join(" ");
        if title.len() <= 6 && !foreign && names_job(&text) && !text.contains(|c: char| c.is_ascii_digit()) {
            self.position = Some(text);
        }
    }

    /// `risen` if the sentence names a new position, `new_address` if the mail names one.
    fn firm(&mut self, sentence: &str, risen: bool, new_address: bool) {
        if self.company.is_some() {
            return;
        }
        let folded = fold(sentence);
        let renamed = [
            "firmieren",
            "firmiert",
            "heissen jetzt",
            "heisst jetzt",
            "unser neuer name ist",
            "unser neuer firmenname ist",
            "company name is",
            "we are now",
        ]
        .iter()
        .any(|cue| folded.contains(cue));
        // "bin ab 10 Uhr bei der … GmbH": where somebody is today is not where they work.
        let visit = folded.contains("vor ort")
            || folded.split(|c: char| !c.is_alphanumeric()).any(|word| VISITS.contains(&word));
        let works = risen
            || new_address
            || ["arbeite", "taetig", "angestellt", "beschaeftigt"].iter().any(|cue| folded.contains(cue));
        let is_there = ["bin ab", "bin seit", "bin ich bei", "bin ich ab", "bin jetzt bei", "ich bin jetzt", "bin nun"]
            .iter()
            .any(|cue| folded.contains(cue));
        let moved = self.leaves
            || (is_there && works && (risen || !visit))
            || [
                "arbeite jetzt",
                "arbeite ab",
                "wechsle",
                "i have moved",
                "i joined",
                "i've joined",
                "i now work",
                "i have joined",
            ]
            .iter()
            .any(|cue| folded.contains(cue));
        if renamed || moved {
            self.company = ANCHORS
                .iter()
                .filter_map(|anchor| find(sentence, anchor).map(|at| at + anchor.len()))
                .find_map(|at| named_company(sentence.get(at..)?));
            self.leaves |= moved && self.company.is_some() && !renamed;
        }
        if self.company.is_none() && folded.contains("selbststaendig") {
            let after = sentence.split_once(':').map(|(_, after)| after.trim());
            let name = after.and_then(|after| after.split([',', '.', ';']).next());
            self.company =
                name.filter(|name| name.starts_with(char::is_uppercase)).and_then(|name| company::read(name, ""));
        }
    }

    fn names(&mut self, sentence: &str) {
        const LAST: [&str; 13] = [
            "nachname nun",
            "nachname jetzt",
            "name nun",
            "name jetzt",
            "nachname schreibt sich",
            "nachname ist",
            "nachname lautet",
            "neuer name ist",
            "neuer name lautet",
            "nur noch",
            "my last name is",
            "my surname is",
            "my name is now",
        ];
        const WHOLE: [&str; 4] = ["heisse ich", "heisse jetzt", "heisse nun", "heisse seit"];
        const FIRST: [&str; 4] = ["vorname ist", "vorname schreibt sich", "vorname lautet", "my first name is"];
        let folded = fold(sentence);
        // "Gern heiße ich Sie willkommen", "unser neuer Name ist …": nobody's own name.
        if ["unser", "firma", "willkommen"].iter().any(|word| folded.contains(word)) {
            return;
        }
        let after = |cues: &[&str]| -> Option<Vec<String>> {
            let (at, cue) = cues.iter().filter_map(|cue| find(sentence, cue).map(|at| (at, cue))).min()?;
            let tail = sentence.get(at..)?.split_whitespace().skip(cue.split(' ').count());
            let owner = sentence.get(..at)?.split_whitespace().next_back().map(fold).unwrap_or_default();
            let another = ["ihr", "sein", "dessen", "deren", "his", "her"].contains(&owner.as_str());
            // "bitte nur noch Frau Ilg anschreiben" is about a colleague.
            let addressed = *cue == "nur noch"
                && tail.clone().next().is_some_and(|word| matches!(fold(word).as_str(), "frau" | "herr" | "herrn"));
            if another || addressed {
                return None;
            }
            let words: Vec<String> = tail
                .skip_while(|word| matches!(fold(word).as_str(), "jetzt" | "nun" | "ich" | "frau" | "herr"))
                .map_while(name_word)
                .scan(false, |ended, (word, last)| if std::mem::replace(ended, last) { None } else { Some(word) })
                .take(3)
                .collect();
            (!words.is_empty()).then_some(words)
        };
        if let Some(words) = after(&WHOLE) {
            match words.as_slice() {
                [last] => self.last_name = Some(last.clone()),
                [first, rest @ ..] => {
                    self.first_name = Some(first.clone());
                    self.last_name = Some(rest.join(" "));
                }
                [] => {}
            }
        }
        let about_name = folded.contains("name")
            || folded.contains("geheiratet")
            || folded.contains("hochzeit")
            || folded.contains("geburtsname");
        if let Some(words) = after(&LAST).filter(|_| about_name) {
            let text = words.join(" ");
            if !name::is_given_name(&text) {
                self.last_name = Some(text);
            }
        }
        if let Some(words) = after(&FIRST) {
            self.first_name = words.into_iter().next();
        }
    }
}

/// A word of a name, and whether a sign after it ends the name.
fn name_word(word: &str) -> Option<(String, bool)> {
    let bare = word.trim_matches(|c: char| !c.is_alphabetic());
    let polite = matches!(bare, "Sie" | "Ihnen" | "Ihr" | "Ihre" | "Euch" | "Dich" | "Dir" | "Du");
    let capital = !polite && (bare.starts_with(char::is_uppercase) || name::is_particle(bare));
    let ends = word.ends_with([',', '.', ';', '!', ')', ':']);
    (capital && bare.chars().count() > 1 && !word.starts_with('(')).then(|| (bare.to_owned(), ends))
}

/// Whether the number that the cue announces is the sender's: the nearest word before it that names
/// an owner decides, first within its clause, then in those before.
fn of_sender(sentence: &str, at: usize, cue: &str) -> bool {
    let folded = fold(sentence);
    // "die Telefonnummer von Dr. Müller lautet"
    let belongs = ["nummer von ", "durchwahl von ", "number of ", "handy von "]
        .iter()
        .any(|cue| folded.contains(cue) && !folded.contains(&format!("{cue}mir")));
    let rest = fold(sentence.get(at..).unwrap_or(""));
    // "my new phone assistant", "rufen Sie mich oder Frau Ilg an": who stands right behind the cue.
    let behind = rest.get(cue.len()..).unwrap_or("").split_whitespace().take(2).any(is_person);
    if belongs || behind {
        return false;
    }
    if cue.split(' ').any(|word| is_own(word) || word == "bin") {
        return true;
    }
    let before = without_greeting(sentence.get(..at).unwrap_or(""));
    let clauses: Vec<&str> = before.split([',', ';', '(', ')', ':', '.', '–']).collect();
    // "Petra ist erreichbar unter …": who can be reached is the subject, and the sender says "bin".
    let clause = fold(clauses.last().copied().unwrap_or(""));
    let reached = cue.ends_with(" unter") || cue == "bin erreichbar";
    if reached && clause.split(' ').any(|word| matches!(word, "ist" | "sind" | "is" | "war")) {
        let own = clause.split(' ').any(|word| matches!(word, "ich" | "bin" | "i"));
        if !own {
            return false;
        }
    }
    for (place, clause) in clauses.iter().rev().enumerate() {
        if let Some(own) = owner(clause, place == 0) {
            return own;
        }
    }
    true
}

/// Whose clause it is, read from its end: the sender's or another's.
fn owner(clause: &str, beside_cue: bool) -> Option<bool> {
    let words: Vec<&str> = clause.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut weak = None;
    for (place, word) in words.iter().rev().enumerate() {
        let folded = fold(word);
        let beside = beside_cue && place == 0;
        let polite = word.starts_with("Ihr");
        if is_person(&folded)
            || ["sein", "dessen", "deren", "unser"]
                .iter()
                .any(|start| folded.starts_with(start) && folded.len() <= start.len() + 2)
            || matches!(folded.as_str(), "er" | "his" | "her" | "he" | "she" | "they" | "their" | "ms" | "dr")
            || (folded.starts_with("ihr") && folded.len() <= 5 && (beside || !polite))
        {
            return Some(false);
        }
        if is_own(&folded) {
            if !folded.starts_with("mein") && folded != "my" || beside {
                return Some(true);
            }
            // "Herr Wolf aus meinem Team hat …": whose the thing is says nothing of the subject.
            weak = Some(true);
        }
    }
    weak
}

fn is_person(word: &str) -> bool {
    PERSONS.iter().any(|person| match person.strip_suffix(' ') {
        Some(whole) => word == whole,
        None => word.starts_with(person),
    })
}

fn is_own(word: &str) -> bool {
    matches!(word, "ich" | "mich" | "mir" | "my" | "me" | "i") || word.starts_with("mein")
}

/// Whom the mail greets is no third person.
fn without_greeting(text: &str) -> &str {
    let folded = fold(text);
    let greets = ["hi ", "hallo ", "guten ", "liebe", "moin ", "sehr geehrte", "servus ", "gruezi ", "dear ", "hello "]
        .iter()
        .any(|start| folded.starts_with(start));
    if greets { text.split_once(',').map_or("", |(_, rest)| rest) } else { text }
}

/// The company at the start of a text, up to its legal form.
fn named_company(text: &str) -> Option<Company> {
    let words: Vec<&str> = text.split_whitespace().take(14).collect();
    let start = words.iter().position(|word| word.starts_with(char::is_uppercase) && !is_month(word))?;
    (start + 2..=words.len().min(start + 9)).find_map(|end| {
        let candidate = words[start..end].join(" ");
        // A form that goes on ("GmbH & Co. KG") is taken whole.
        let longer = words.get(end).is_some_and(|next| matches!(*next, "&" | "+" | "(haftungsbeschränkt)"));
        let candidate = candidate.trim_end_matches([',', ';', ')', ':', '!']);
        let company = company::read(candidate, "").filter(|company| company.legal_form.is_some() && !longer);
        company.filter(|company| !company.core.split(' ').all(names_job))
    })
}

fn is_month(word: &str) -> bool {
    const MONTHS: &str = " januar februar maerz april mai juni juli august september oktober november dezember january february march may june july october december montag dienstag mittwoch donnerstag freitag ";
    let word = fold(word.trim_matches(|c: char| !c.is_alphabetic()));
    !word.is_empty() && MONTHS.contains(&format!(" {word} "))
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
