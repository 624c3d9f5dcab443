//! Salesforce ids: 15 case-sensitive characters, or 18 with a checksum that makes case irrelevant.

const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The 18-character form of a 15-character id.
pub fn with_checksum(id15: &str) -> String {
    let mut id = id15.to_owned();
    for chunk in id15.as_bytes().chunks(5) {
        let bits = chunk
            .iter()
            .enumerate()
            .filter(|(_, letter)| letter.is_ascii_uppercase())
            .fold(0usize, |bits, (place, _)| bits | 1 << place);
        id.push(char::from(CHECKSUM[bits & 31]));
    }
    id
}

/// Reads an id of either length and returns the 18-character form; `None` if it cannot be an id.
///
/// In the long form the checksum tells which letters are capitals, so an id that lost its case is repaired.
pub fn parse(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        15 => Some(with_checksum(text)),
        18 => {
            let (body, checksum) = text.split_at(15);
            let mut repaired = String::with_capacity(15);
            for (chunk, mark) in body.as_bytes().chunks(5).zip(checksum.bytes()) {
                let bits = CHECKSUM.iter().position(|c| *c == mark.to_ascii_uppercase())?;
                repaired.extend(chunk.iter().enumerate().map(|(place, letter)| {
                    let capital = bits >> place & 1 == 1;
                    char::from(if capital { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() })
                }));
            }
            let id = with_checksum(&repaired);
            // A capital bit on a digit cannot be reproduced: such a text never was an id.
            id[15..].eq_ignore_ascii_case(checksum).then_some(id)
        }
        _ => None,
    }
}

/// The `number`th id of an object with this key prefix.
pub fn nth(prefix: &str, number: u64) -> String {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    with_checksum(&format!("{prefix}Mi{}", String::from_utf8_lossy(&digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_agrees_with_the_published_vectors() {
        assert_eq!(with_checksum("001A0000006Vm9r"), "001A0000006Vm9rIAC");
        assert_eq!(with_checksum("003000000000001"), "003000000000001AAA");
        assert_eq!(with_checksum("00Q5g00000AbCdE"), "00Q5g00000AbCdEEAV");
    }

    #[test]
    fn an_id_that_lost_its_case_is_repaired_by_its_checksum() {
        assert_eq!(parse("00q5g00000abcdeeav").as_deref(), Some("00Q5g00000AbCdEEAV"));
        assert_eq!(parse("00Q5g00000AbCdE").as_deref(), Some("00Q5g00000AbCdEEAV"));
        assert_eq!(parse("00Q5g00000AbCdEZZZ"), None);
        assert_eq!(parse("not-an-id"), None);
    }
}
