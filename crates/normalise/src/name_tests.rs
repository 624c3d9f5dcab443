//! Names as lists and mails have them.

use proptest::prelude::*;

use super::*;

fn parts(name: &Name) -> (&str, &str, &str) {
    let text = |part: &'_ Option<String>| -> &'static str { part.clone().map_or("", |text| text.leak()) };
    (text(&name.title), text(&name.first), text(&name.last))
}

#[test]
fn a_whole_name_comes_apart() {
    for (text, expected) in [
        ("Hans Müller", ("", "Hans", "Müller")),
        ("Müller, Hans", ("", "Hans", "Müller")),
        ("Müller, Hans Dr.", ("Dr.", "Hans", "Müller")),
        ("Dr. Hans Müller", ("Dr.", "Hans", "Müller")),
        ("Prof. Dr.-Ing. Eberhard Nussbaumer", ("Prof. Dr.-Ing.", "Eberhard", "Nussbaumer")),
        ("Dr. rer. nat. Isolde Kranzfelder", ("Dr. rer. nat.", "Isolde", "Kranzfelder")),
        ("Dipl.-Ing. (FH) Ulrich Rautenstrauch", ("Dipl.-Ing. (FH)", "Ulrich", "Rautenstrauch")),
        ("Mag. Leopold Strasser", ("Mag.", "Leopold", "Strasser")),
        ("Ing. Fabrizio Bortolotti", ("Ing.", "Fabrizio", "Bortolotti")),
        ("Sander van der Velde", ("", "Sander", "van der Velde")),
        ("Friedrich von der Heydebreck", ("", "Friedrich", "von der Heydebreck")),
        ("Ammann Reto", ("", "Reto", "Ammann")),
        ("MÜLLER Hans", ("", "Hans", "MÜLLER")),
        ("Karl Weißgerber sen.", ("", "Karl", "Weißgerber sen.")),
        ("Herr Müller", ("", "", "Müller")),
        ("Frau Dr. Schmidt", ("Dr.", "", "Schmidt")),
        ("Herrn Prof.Dr. Hans Müller", ("Prof.Dr.", "Hans", "Müller")),
        ("Dipl.Ing. Hans Müller", ("Dipl.Ing.", "Hans", "Müller")),
        ("Dr.med. Eva Krüger", ("Dr.med.", "Eva", "Krüger")),
        ("Hans Müller, Geschäftsführer", ("", "Hans", "Müller")),
        ("Kai Werner", ("", "Kai", "Werner")),
        ("MÜLLER Hans Peter", ("", "Hans Peter", "MÜLLER")),
        ("VAN DER VELDE Sander", ("", "Sander", "VAN DER VELDE")),
        ("Hans MÜLLER", ("", "Hans", "MÜLLER")),
    ] {
        assert_eq!(parts(&read(text)), expected, "{text}");
    }
}

#[test]
fn either_cell_may_hold_more_than_its_heading_says() {
    assert_eq!(parts(&of_parts("", "", "Müller, Hans")), ("", "Hans", "Müller"));
    assert_eq!(parts(&of_parts("", "", "Dr. Hans Müller")), ("Dr.", "Hans", "Müller"));
    assert_eq!(parts(&of_parts("", "Dr. rer. nat. Isolde", "Kranzfelder")), ("Dr. rer. nat.", "Isolde", "Kranzfelder"));
    assert_eq!(parts(&of_parts("", "Marie-Luise", "Prinz zu Hohenbuch")), ("", "Marie-Luise", "Prinz zu Hohenbuch"));
    assert_eq!(parts(&of_parts("DI", "Veronika", "Moser-Lechner")), ("DI", "Veronika", "Moser-Lechner"));
    assert_eq!(parts(&of_parts("", "A. M.", "Schwertfeger")), ("", "A. M.", "Schwertfeger"));
    assert_eq!(parts(&of_parts("", "J.", "K.")), ("", "J.", "K."));
    assert_eq!(parts(&of_parts("", "Anke und Jörg", "Tillmann")), ("", "Anke und Jörg", "Tillmann"));
}

#[test]
fn capitals_become_a_proper_name_and_say_which_rule_did_it() {
    let name = of_parts("", "SIEGFRIED", "GROSSKREUTZ-WEISS");
    assert_eq!(parts(&name), ("", "Siegfried", "Grosskreutz-Weiss"));
    assert!(name.rules.contains(&"name.case"));
    assert_eq!(of_parts("", "Ngoc Anh", "Tran").rules, Vec::<&str>::new());
}

#[test]
fn a_salutation_is_never_made_up() {
    for (text, choice) in [
        ("Herr", Some("mr")),
        ("HERR", Some("mr")),
        ("Fr.", Some("ms")),
        ("Mevr.", Some("ms")),
        ("Sig.ra", Some("ms")),
        ("0", Some("mr")),
        ("1", Some("ms")),
        ("-1", None),
        ("", None),
        ("Familie", None),
    ] {
        assert_eq!(salutation(text), choice, "{text}");
    }
}

#[test]
fn umlauts_meet_however_they_are_written() {
    assert!(
        same_surname("Schönthaler", "Schoenthaler")
            && same_surname("Müller", "Muller")
            && same_surname("Roßkopf", "Rosskopf")
    );
    assert!(
        same_surname("Dvo?ák", "Dvořák")
            && same_surname("Noack-Zschau", "Noack")
            && same_surname("Wiśniewska", "Wisniewska")
    );
    assert!(!same_surname("Schmidt", "Schmitt") && like_surname("Schmidt", "Schmitt"));
    assert!(!same_surname("Reimer", "Niebuhr") && !like_surname("Reimer", "Niebuhr"));
}

#[test]
fn nicknames_and_initials_are_no_contradiction() {
    for (a, b) in [
        ("Uli", "Ulrich"),
        ("Max", "Maximilian"),
        ("Sepp", "Josef"),
        ("Hans", "Johannes"),
        ("T.", "Torsten"),
        ("Jürgen", "Juergen"),
        ("Hans Peter", "Hans"),
        ("Pawe?", "Paweł"),
    ] {
        assert!(same_given(a, b), "{a} {b}");
    }
    for (a, b) in [
        ("Andrea", "Andreas"),
        ("Christian", "Christina"),
        ("Daniel", "Daniela"),
        ("Michael", "Michaela"),
        ("Martin", "Martina"),
        ("Heike", "Heiko"),
        ("Frank", "Franz"),
        ("Karin", "Katrin"),
        ("Mario", "Maria"),
        ("Sven", "Svenja"),
        ("Stefan", "Steffen"),
        ("Wolfram", "Wolfgang"),
        ("Leopold", "Leonhard"),
        ("Birgit", "Brigitte"),
        ("Kristin", "Kirsten"),
    ] {
        assert!(!same_given(a, b), "{a} {b}");
    }
    assert!(same_given("Kathrin", "Katrin") && same_given("Wilhelmina", "Wilhelmine"), "spellings and slips");
    for (a, b) in [("Klaus", "Sophie"), ("Michael", "Thomas"), ("H.", "Karl"), ("Tatjana", "Lars")] {
        assert!(!same_given(a, b), "{a} {b}");
    }
}

#[test]
fn what_stands_around_a_name_is_read_and_not_part_of_it() {
    assert_eq!(read("Frau Dr. Schmidt").salutation, Some("ms"));
    assert_eq!(read("Hans Müller, Geschäftsführer").position.as_deref(), Some("Geschäftsführer"));
    assert_eq!(of_parts("", "Herr Hans", "Müller").salutation, Some("mr"));
    assert_eq!(of_parts("", "Frau", "Krüger").salutation, Some("ms"));
    assert_eq!(parts(&of_parts("", "Frau", "Krüger")), ("", "", "Krüger"));
    assert_eq!(salutation_and_title("Herr Dr."), (Some("mr"), "Dr.".to_owned()));
    assert_eq!(salutation_and_title("Frau Prof. Dr."), (Some("ms"), "Prof. Dr.".to_owned()));
    assert_eq!(salutation_and_title("Herr Müller"), (None, String::new()));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(a in "\\PC*", b in "\\PC*") {
        let _ = (read(&a), of_parts(&a, &b, &a), salutation(&a), surname_keys(&a), sound(&a));
        prop_assert_eq!(same_surname(&a, &b), same_surname(&b, &a));
        prop_assert_eq!(same_given(&a, &b), same_given(&b, &a));
    }
}
