//! Languages by name or code, to ISO 639-1.

use crate::name::fold;

const NAMES: &str = "
de=deutsch german allemand tedesco duits niemiecki ger deu
en=englisch english anglais inglese engels eng
fr=franzoesisch french francais francese frans fra fre
it=italienisch italian italiano italien ita
nl=niederlaendisch dutch nederlands hollaendisch nld
pl=polnisch polish polski pol
cs=tschechisch czech cesky cestina cze
es=spanisch spanish espanol espagnol spa
da=daenisch danish dansk
sv=schwedisch swedish svenska
hu=ungarisch hungarian magyar
";

/// The code of a language named in a cell: "Deutsch", "de", "de-CH".
pub fn read(text: &str) -> Option<&'static str> {
    let folded = fold(text);
    let code = folded.split(['-', '_']).next()?.trim();
    NAMES
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(known, names)| *known == code || names.split(' ').any(|name| name == folded))
        .map(|(known, _)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_name_and_code() {
        assert_eq!(read("Deutsch"), Some("de"));
        assert_eq!(read("de-CH"), Some("de"));
        assert_eq!(read("Français"), Some("fr"));
        assert_eq!(read("?"), None);
    }
}
