//! What somebody's data looks like where it should not be: as text, and as programs write bytes.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

/// A string as text, as hex, as base64 at any place of a longer text, and as lists of decimal bytes.
/// Upper and lower case are not told apart.
pub fn forms(planted: &str) -> Vec<String> {
    let bytes = planted.as_bytes();
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    let hex: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![planted.to_owned(), hex, decimal.join(", "), decimal.join(",")];
    for skip in 0..3.min(bytes.len()) {
        // Only groups of three that lie wholly within the string are the same wherever it stands.
        let inner = &bytes[skip..];
        let whole = &inner[..inner.len() / 3 * 3];
        if whole.len() >= 6 {
            forms.push(base64(whole));
        }
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = bytes.chunks_exact(3).flat_map(|three| {
        let all = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [all >> 18, all >> 12, all >> 6, all].map(|six| char::from(SIGNS[(six & 63) as usize]))
    });
    sextets.collect()
}

/// How many bytes of a form decide whether it is worth a closer look.
const BEGINNING: usize = 6;

/// Looks for many strings in all their forms at once.
pub struct Search {
    planted: Vec<String>,
    /// Forms in small letters with the string each belongs to, by their first bytes.
    forms: HashMap<[u8; BEGINNING], Vec<(Vec<u8>, usize)>>,
    /// Which three bytes begin a form: a bit for each.
    begins: Vec<u64>,
}

impl Search {
    pub fn for_all(planted: impl IntoIterator<Item = impl Into<String>>) -> Search {
        let planted: Vec<String> = planted.into_iter().map(Into::into).collect();
        let mut search = Search { planted: Vec::new(), forms: HashMap::new(), begins: vec![0; 1 << 18] };
        for (at, one) in planted.iter().enumerate() {
            for form in forms(one) {
                let form = form.to_ascii_lowercase().into_bytes();
                assert!(form.len() >= BEGINNING, "{one} is too short to look for");
                let three = usize::from(form[0]) << 16 | usize::from(form[1]) << 8 | usize::from(form[2]);
                search.begins[three >> 6] |= 1 << (three & 63);
                search.forms.entry(form[..BEGINNING].try_into().unwrap()).or_default().push((form, at));
            }
        }
        search.planted = planted;
        search
    }

    /// The strings that are in there, in whatever form, with a little of what stands around them.
    pub fn within(&self, bytes: &[u8]) -> BTreeSet<String> {
        let small = bytes.to_ascii_lowercase();
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut three = 0;
        for (end, byte) in small.iter().enumerate() {
            three = (three << 8 | usize::from(*byte)) & 0xff_ffff;
            if end < 2 || self.begins[three >> 6] & 1 << (three & 63) == 0 {
                continue;
            }
            let rest = &small[end - 2..];
            let Some(beginning) = rest.first_chunk::<BEGINNING>() else { continue };
            for (form, at) in self.forms.get(beginning).into_iter().flatten() {
                if rest.starts_with(form) && seen.insert(*at) {
                    let around = &bytes[(end - 2).saturating_sub(60)..(end + form.len() + 30).min(bytes.len())];
                    found.insert(format!("{}: …{}…", self.planted[*at], String::from_utf8_lossy(around)));
                }
            }
        }
        found
    }

    /// The same in a file, or in all files below a folder. Files that vanish meanwhile are nobody's loss.
    pub fn within_files(&self, path: &Path) -> Vec<String> {
        let mut found = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                found.extend(self.within_files(&entry.path()));
            }
        } else if let Ok(bytes) = std::fs::read(path) {
            found.extend(self.within(&bytes).into_iter().map(|what| format!("{}: {what}", path.display())));
        }
        found
    }
}

#[test]
fn each_form_is_found_wherever_it_stands() {
    let search = Search::for_all(["Zeidler-Ost", "55501140"]);
    for before in ["", "a", "ab", "abc"] {
        let said = format!("{before}Zeidler-Ost und mehr");
        let hex = forms(&said)[1].to_uppercase();
        let padded: Vec<u8> = said.bytes().chain(*b"  ").take(said.len().div_ceil(3) * 3).collect();
        let small = said.to_lowercase();
        for text in [said.clone(), small, hex, format!("{:?}", said.as_bytes()), base64(&padded)] {
            assert_eq!(search.within(text.as_bytes()).len(), 1, "{text}");
        }
    }
    assert_eq!(search.within(b"tel:+4917155501140").len(), 1);
    assert!(search.within(b"nothing of the kind").is_empty());
}
