//! What is the newest part of mails as people and programs write them.

use proptest::prelude::*;

use super::*;

fn mail(text: &str) -> Mail {
    let from = Mailbox { name: Some("Erika Sommer".into()), address: "e.sommer@linde.example".into() };
    Mail { text: text.to_owned(), from: Some(from), ..Mail::default() }
}

fn newest(text: &str) -> String {
    parts(&mail(text)).newest
}

/// Says where the newest part of each mail is wrong, instead of stopping at the first.
fn assert_newest(cases: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, text, expected)| {
            let found = newest(text);
            (found != *expected).then(|| format!("{name}: expected {expected:?}, found {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn german_attributions_end_the_newest_part_in_every_order_and_wrapping() {
    assert_newest(&[
        ("time first", "Passt.\n\nAm 13.12.2026 21:11 schrieb Jan Weber <jan@weber.example>:\n\nHallo!", "Passt."),
        ("time first, quoted", "Passt.\n\nAm 21.04.2026 um 09:40 schrieb Jan Weber:\n> Hallo\n> Welt", "Passt."),
        ("gmail", "Ja.\n\nAm Di., 21. Apr. 2026 um 09:15 Uhr schrieb Jan Weber <jan@weber.example>:\n\n> Ok?\n", "Ja."),
        (
            "wrapped in the address",
            "Ja.\n\nAm Di., 21. Apr. 2026 um 09:15 Uhr schrieb Jan Weber <\njan@weber.example>:\n\n> Ok?",
            "Ja.",
        ),
        (
            "wrapped before the verb",
            "Ja.\n\nAm Di., 21. Apr. 2026 um 09:15 Uhr\nschrieb Jan Weber <\njan@weber.example>:\n\nOk?",
            "Ja.",
        ),
        (
            "verb split from the name",
            "Ja.\n\nAm Di., 21. Apr. 2026 um 09:15 Uhr schrieb\nJan Weber <jan@weber.example>:\n\nOk?",
            "Ja.",
        ),
        (
            "name first",
            "Ja.\n\nJan Weber <jan@weber.example> schrieb am Fr., 28. Apr. 2026 um 11:53 Uhr:\n\n> Ok?",
            "Ja.",
        ),
        (
            "name first, wrapped",
            "Ja.\n\nJan Weber <jan@weber.example> schrieb am Fr., 28. Apr. 2026 um 11:53\nUhr:\n\nOk?",
            "Ja.",
        ),
        ("name first, without address", "Ja.\n\nJan Weber schrieb am 21.04.2026 um 10:02:\n> Ok?", "Ja."),
        ("has written", "Ja.\n\nJan Weber <jan@weber.example> hat am 21.04.2026 um 10:02 geschrieben:\n> Ok?", "Ja."),
        ("with time zone", "Ja.\n\nAm Dienstag, 21. April 2026, 09:13:07 CEST schrieb Jan Weber:\n> Ok?", "Ja."),
        ("quoting", "Ja.\n\nZitat von Jan Weber <jan@weber.example>:\n\n> Ok?", "Ja."),
        (
            "the text begins alike",
            "Am heutigen Tage\nAm So., 1. Jan. 2026 um 17:22 Uhr schrieb Jan Weber <\njan@weber.example>:\n\nOk",
            "Am heutigen Tage",
        ),
        ("with no-break spaces", "Ja.\n\nAm\u{A0}21.04.2026 um\u{A0}09:40 schrieb Jan\u{A0}Weber:\n> Ok?", "Ja."),
    ]);
}

#[test]
fn sentences_about_writing_are_not_attributions() {
    for text in [
        "Am 12.03.2026 um 10:00 schrieb ich Ihnen schon einmal:\ndie Pumpe ist defekt.",
        "Wie Herr Weber am Montag schrieb, gilt Folgendes:\nErst prüfen, dann zahlen.",
        "Auf der Messe 2026 schrieb jemand auf unsere Tafel:\nbitte anrufen.",
        "Am Montag, 20.04.2026 um 10 Uhr treffen wir uns:\nHalle 7.",
    ] {
        assert_eq!(newest(text), text);
    }
}

#[test]
fn attributions_in_the_neighbours_languages_are_known() {
    assert_newest(&[
        ("en", "Ok.\n\nOn Tue, Apr 21, 2026 at 9:25 AM Jan Weber <jan@weber.example>\nwrote:\n> Hi", "Ok."),
        ("en, three lines", "Ok.\n\nOn Nov 21, 2026,\nat 10:18,\nJan Weber <jan@weber.example> wrote:\n\n> Hi", "Ok."),
        (
            "en, without colon",
            "Ok.\n\n---- On Wed, 24 Feb 2026 14:02:50 +0100 jan@weber.example wrote ----\n\nHi",
            "Ok.",
        ),
        (
            "fr",
            "D'accord.\n\nLe mar. 21 avr. 2026 à 09:27, Jan Weber <jan@weber.example> a\nécrit :\n> Bonjour",
            "D'accord.",
        ),
        (
            "it",
            "Va bene.\n\nIl giorno mar 21 apr 2026 alle ore 09:30 Jan Weber <\njan@weber.example> ha scritto:\n> Ciao",
            "Va bene.",
        ),
        ("nl", "Prima.\n\nOp di 21 apr 2026 om 09:22 schreef Jan Weber <jan@weber.example>:\n> Hallo", "Prima."),
        ("es", "Vale.\n\nEl mar, 21 abr 2026 a las 9:30, Jan Weber (<jan@weber.example>) escribió:\n> Hola", "Vale."),
        ("pl", "Tak.\n\nW dniu 21.04.2026 o 09:18, Jan Weber pisze:\n> Witam", "Tak."),
        ("no verb", "Ok.\n\n30.09.2026, 18:30, \"Jan Weber\" <jan@weber.example>:\n\nHi", "Ok."),
    ]);
}

#[test]
fn header_blocks_end_the_newest_part_whatever_their_order() {
    assert_newest(&[
        (
            "outlook",
            "Danke.\n\nVon: Jan Weber <jan@weber.example>\nGesendet: Dienstag, 21. April 2026 09:13\nAn: Erika Sommer\nBetreff: Angebot\n\nHallo",
            "Danke.",
        ),
        (
            "cc between",
            "Danke.\n\nVon: Jan Weber\nGesendet: Dienstag, 21. April 2026 09:13\nAn: Erika Sommer\nCc: Uwe Lang; Ida Bär\nBetreff: Angebot\n\nHallo",
            "Danke.",
        ),
        (
            "bold",
            "Danke.\n\n*Von:* Jan Weber <jan@weber.example>\n*Gesendet:* Dienstag, 21. April 2026\n*An:* Erika\n*Betreff:* Angebot\n\nHallo",
            "Danke.",
        ),
        (
            "rule above",
            "Danke.\n\n________________________________\nVon: Jan Weber <jan@weber.example>\nGesendet: Dienstag\nAn: Erika\nBetreff: x\n\nHallo",
            "Danke.",
        ),
        (
            "wrapped address",
            "Ok.\n\nVon: Personalabteilung\n<eine-sehr-lange-adresse@weber.example>\nGesendet: Montag\nAn: Erika\nBetreff: x\n\nHallo",
            "Ok.",
        ),
        (
            "apple",
            "Ok.\n\nAnfang der weitergeleiteten Nachricht:\n\nVon: Jan\nBetreff: Angebot\nDatum: 21. April 2026\nAn: Erika\n\nHallo",
            "Ok.",
        ),
        (
            "original message",
            "Gern.\n\n-----Ursprüngliche Nachricht-----\nVon: Jan Weber\nGesendet: Dienstag\nAn: Erika\nBetreff: x\n\nHallo",
            "Gern.",
        ),
        (
            "original message without labels",
            "Gern.\n\n----- Original Message -----\n\nHallo Erika,\nwie geht's?",
            "Gern.",
        ),
        (
            "forwarded",
            "Zur Info.\n\n-------- Weitergeleitete Nachricht --------\nBetreff: Hubwerk\nDatum: Wed, 22 Apr 2026\nVon: Jan\nAn: Erika\n\nTel. 0234 5",
            "Zur Info.",
        ),
        (
            "fr",
            "Merci.\n\nDe : Jan Weber <jan@weber.example>\nEnvoyé : mardi 21 avril 2026\nÀ : Erika\nObjet : Offre\n\nBonjour",
            "Merci.",
        ),
        (
            "it",
            "Grazie.\n\nDa: Jan Weber\nInviato: martedì 21 aprile 2026\nA: Erika\nOggetto: Offerta\n\nCiao",
            "Grazie.",
        ),
        (
            "nl",
            "Dank.\n\nVan: Jan Weber\nVerzonden: dinsdag 21 april 2026\nAan: Erika\nOnderwerp: Offerte\n\nHallo",
            "Dank.",
        ),
        (
            "es",
            "Gracias.\n\nDe: Jan Weber\nEnviado: martes, 21 de abril\nPara: Erika\nAsunto: Oferta\n\nHola",
            "Gracias.",
        ),
    ]);
}

#[test]
fn labels_in_a_text_are_no_header_block() {
    let text = "Bitte abholen:\nVon: Köln\nAn: Bonn\nDatum: 03.04.2026\nGewicht: 40 kg";
    assert_eq!(newest(text), text);
    let text = "Von: mir aus gern.\nBetreff: ist mir egal.";
    assert_eq!(newest(text), text);
}

#[test]
fn a_mail_that_only_forwards_has_no_newest_text() {
    let found =
        parts(&mail("Von: Jan <jan@weber.example>\nGesendet: Montag\nAn: Erika\nBetreff: x\n\nTel. 0221 12345"));
    assert_eq!((found.newest.as_str(), found.signature.as_str()), ("", ""));
    assert!(found.quoted.contains("Tel. 0221 12345"));
}

#[test]
fn answers_between_and_below_quoted_lines_are_the_newest_part() {
    assert_newest(&[
        (
            "between",
            "Meine Antworten unten.\n\nAm 21.04.26 09:35 schrieb Jan Weber:\n> Welcher Hub?\n\n2400 mm.\n\n> Welches Fax?\n\nKeines.\n",
            "Meine Antworten unten.\n\n2400 mm.\n\nKeines.",
        ),
        (
            "below",
            "Am Dienstag, 21. April 2026, 09:13:07 CEST schrieb Jan Weber:\n> Stimmt die Nummer?\n> 0351 1\n\nNein, 0351 2.\n\nMfG\nErika Sommer",
            "Nein, 0351 2.",
        ),
        ("without attribution", "> Welcher Hub?\n\n2400 mm.", "2400 mm."),
        (
            "wrapped quote",
            "Am 21.04.26 09:35 schrieb Jan Weber:\n> Dies ist eine lange Zeile, die das Mailprogramm beim Senden umbrochen\nhat, leider.\n> Gruß\n\nOk.",
            "Ok.",
        ),
    ]);
}

#[test]
fn the_signature_is_not_part_of_the_newest_text() {
    let cases = [
        (
            "Ja, gern.\n\nMit freundlichen Grüßen\n\nErika Sommer\nEinkauf\n\nLinde Pumpen GmbH\nHafenstr. 2 | 29221 Celle\nTel.: +49 5141 555802\n",
            "Mit freundlichen Grüßen",
        ),
        ("Ja, gern.\n\nViele Grüße aus Celle\nErika Sommer", "Viele Grüße aus Celle"),
        ("Ja, gern.\n\nVG Erika", "VG Erika"),
        ("Ja, gern.\nMfG\nE. Sommer", "MfG"),
        ("Ja, gern.\n\nFreundliche Grüsse\nErika Sommer", "Freundliche Grüsse"),
        (
            "Ja, gern.\n\nMit freundlichen Grüßen / Best regards\n\nErika Sommer",
            "Mit freundlichen Grüßen / Best regards",
        ),
        ("Ja, gern.\n\n-- \nErika Sommer\nLinde Pumpen GmbH", "--"),
        ("Ja, gern.\n\nLiebe Grüße\nErika\n\n-- \nLinde Pumpen GmbH", "Liebe Grüße"),
        ("Ja, gern.\n\ni. A. Erika Sommer\nWassermeisterin", "i. A. Erika Sommer"),
        (
            "Ja, gern.\n\nErika Sommer\nLeitung Einkauf\nLinde Pumpen GmbH\nTel. 05141 555802\nwww.linde.example",
            "Erika Sommer",
        ),
        ("Ja, gern.\n\nErika Sommer", "Erika Sommer"),
        ("Ja, gern.\n\nBest regards,\n\nErika\nPhone: +49 5141 555802", "Best regards,"),
        ("Ja, gern.\n\nMet vriendelijke groet,\nErika", "Met vriendelijke groet,"),
        ("Ja, gern.\n\nCordialement,\nErika Sommer", "Cordialement,"),
        ("Ja, gern.\n\nVon meinem iPhone gesendet", "Von meinem iPhone gesendet"),
        (
            "Ja, gern.\n\nGesendet von Outlook für Android<https://aka.example/x>",
            "Gesendet von Outlook für Android<https://aka.example/x>",
        ),
        (
            "Ja, gern.\n\nErika Sommer\nLinde Pumpen GmbH\nTel. 05141 555802\n\nDiese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie bitte.",
            "Erika Sommer",
        ),
    ];
    for (text, first_line) in cases {
        let found = parts(&mail(text));
        assert_eq!(found.newest, "Ja, gern.", "{text}");
        assert_eq!(found.signature.lines().next(), Some(first_line), "{text}");
    }
}

#[test]
fn text_that_resembles_a_signature_stays_text() {
    for text in [
        "Meine neue Nummer ist 0171 5550114.",
        "Bitte liefern an:\nHafenstr. 2, Tor 3, dort bitte klingeln und warten.",
        "Mit freundlichen Grüßen meines Chefs soll ich sagen, dass es geht.\nBitte starten Sie die Fertigung noch in dieser Woche, wir brauchen die Teile.",
        "Punkte:\n----\n1. Leistung\n----\nDas Obige ist eine Liste und keine Signatur von mir.",
        "With regards to the pump we have decided to wait.\nThe rest is as we discussed in the meeting last week.",
        "Sent from my desk, this is much easier than by phone.",
        "Danke!",
    ] {
        assert_eq!(newest(text), text);
    }
}

#[test]
fn a_postscript_below_the_signature_is_text() {
    let found = parts(&mail("Passt.\n\nViele Grüße\nErika Sommer\n\nP.S.: Die neue Nummer ist 05141 9."));
    assert_eq!(found.newest, "Passt.\n\nP.S.: Die neue Nummer ist 05141 9.");
    assert_eq!(found.signature, "Viele Grüße\nErika Sommer");
}

#[test]
fn what_stands_below_a_mobile_tail_is_not_the_senders() {
    let found = parts(&mail("Ok.\n\nVon meinem iPhone gesendet\n\nHallo Erika,\nruf an: 0221 1234567"));
    assert_eq!((found.newest.as_str(), found.signature.as_str()), ("Ok.", "Von meinem iPhone gesendet"));
    assert!(found.quoted.contains("0221 1234567"));
}

#[test]
fn banners_of_mail_servers_are_not_the_senders_words() {
    assert_newest(&[
        ("de", "ACHTUNG: Diese E-Mail kommt von außerhalb. Klicken Sie nicht auf Links.\n\nPasst so.", "Passt so."),
        (
            "en",
            "CAUTION: This email originated from outside of the organization. Do not click links\nor open attachments unless you recognize the sender.\n\nPasst so.",
            "Passt so.",
        ),
        ("tag", "[EXTERN]\n\nPasst so.", "Passt so."),
        (
            "outlook",
            "Sie erhalten nicht häufig E-Mails von e@linde.example. Erfahren Sie, warum dies wichtig ist\n\nPasst so.",
            "Passt so.",
        ),
        ("a person's warning", "Achtung: Termin verschoben auf Montag.", "Achtung: Termin verschoben auf Montag."),
    ]);
}

#[test]
fn the_footer_of_a_mailing_list_is_no_text() {
    let found = newest(
        "Geht.\n\nAm 21.04.2026 um 09:40 schrieb Jan Weber:\n> Ok?\n\n_______________\nPumpen mailing list\nhttps://liste.example/pumpen",
    );
    assert_eq!(found, "Geht.");
}

fn html(body: &str) -> Parts {
    let raw = format!(
        "From: Erika Sommer <e@linde.example>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>"
    );
    parts(&read(raw.as_bytes()).expect("a mail"))
}

#[test]
fn quotes_that_programs_mark_in_html_are_found() {
    let cases = [
        (
            "gmail",
            "<div>Ja, gern.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">Irgendwer, neulich:<br></div><blockquote class=\"gmail_quote\"><p>Ok?</p></blockquote></div>",
        ),
        (
            "gmail, unknown attribution",
            "<div>Ja, gern.</div><div class=\"gmail_quote\">Xyz 21 zzz Jan:<br><blockquote>Ok?</blockquote></div>",
        ),
        (
            "outlook on the web",
            "<div>Ja, gern.</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>Xyz:</b> Jan</div><div>Ok?</div>",
        ),
        (
            "thunderbird",
            "<p>Ja, gern.</p><div class=\"moz-cite-prefix\">Neulich Jan:<br></div><blockquote type=\"cite\">Ok?</blockquote>",
        ),
        ("yahoo", "<div>Ja, gern.</div><div id=\"ydp1\" class=\"yahoo_quoted\"><div>Jan:</div><div>Ok?</div></div>"),
        (
            "outlook on the desktop",
            "<p>Ja, gern.</p><div style=\"border-top:solid 1pt\"><p><b>Von:</b> Jan &lt;j@w.example&gt;<br><b>Gesendet:</b> Montag<br><b>An:</b> Erika<br><b>Betreff:</b> x</p></div><p>Ok?</p>",
        ),
        (
            "apple",
            "<div>Ja, gern.</div><div><blockquote type=\"cite\"><div>Am 21.04.2026 um 09:36 schrieb Jan &lt;j@w.example&gt;:</div><br><div>Ok?</div></blockquote></div>",
        ),
    ];
    for (name, body) in cases {
        let found = html(body);
        assert_eq!(found.newest, "Ja, gern.", "{name}");
        assert!(found.quoted.contains("Ok?"), "{name}: {found:?}");
    }
}

#[test]
fn answers_between_quotes_in_html_are_the_newest_part() {
    let found = html(
        "<div class=\"gmail_quote\"><div class=\"gmail_attr\">Jan:</div><blockquote>Hub?</blockquote></div><div>2400 mm</div><blockquote>Fax?</blockquote><div>Keines</div>",
    );
    assert_eq!(found.newest, "2400 mm\n\nKeines");
}

#[test]
fn html_decides_where_the_text_alternative_hides_the_quote() {
    let raw = "From: Erika <e@linde.example>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nJa, gern.\r\n\r\nXyz zzz Jan\r\nTel. 0221 99\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<div>Ja, gern.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">Xyz zzz Jan</div><blockquote>Tel. 0221 99</blockquote></div>\r\n--b--\r\n";
    let read = read(raw.as_bytes()).expect("a mail");
    assert!(read.text.starts_with("Ja, gern."));
    assert_eq!(parts(&read).newest, "Ja, gern.");
}

#[test]
fn a_mail_is_read_with_its_people_ids_and_time() {
    let raw = "Return-Path: <e@linde.example>\r\nFrom: =?utf-8?q?Sommer=2C_J=C3=B6rg?= <J@Linde.example>\r\nReply-To: neu@linde.example\r\nTo: A <a@b.example>, c@d.example\r\nSubject: =?utf-8?q?AW=3A_Gr=C3=B6=C3=9Fe?=\r\nDate: Tue, 21 Apr 2026 10:42:07 +0200\r\nMessage-ID: <1@linde.example>\r\nIn-Reply-To: <0@b.example>\r\nReferences: <00@b.example> <0@b.example>\r\nAuto-Submitted: auto-replied\r\nX-Secret: 1\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=F6=DFe 5\r\n";
    let mail = read(raw.as_bytes()).expect("a mail");
    assert_eq!(mail.from, Some(Mailbox { name: Some("Sommer, Jörg".into()), address: "J@Linde.example".into() }));
    assert_eq!(mail.reply_to.map(|to| to.address), Some("neu@linde.example".into()));
    assert_eq!(mail.to.iter().map(|to| to.address.as_str()).collect::<Vec<_>>(), ["a@b.example", "c@d.example"]);
    assert_eq!((mail.subject.as_str(), mail.text.trim()), ("AW: Größe", "Größe 5"));
    assert_eq!(mail.message_id.as_deref(), Some("1@linde.example"));
    assert_eq!(
        (mail.in_reply_to, mail.references),
        (vec!["0@b.example".to_owned()], vec!["00@b.example".to_owned(), "0@b.example".to_owned()])
    );
    assert_eq!(mail.date.map(Time::micros), Some(1_776_760_927_000_000));
    let names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["return-path", "auto-submitted", "content-type"]);
    assert!(!mail.is_bounce);
}

#[test]
fn a_delivery_report_is_a_bounce_and_tells_its_status() {
    let raw = "From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNicht zustellbar.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; w@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n unknown\r\n--b--\r\n";
    let mail = read(raw.as_bytes()).expect("a mail");
    assert!(mail.is_bounce);
    assert!(mail.headers.contains(&("status".into(), "5.1.1".into())));
    assert!(mail.headers.contains(&("diagnostic-code".into(), "smtp; 550 5.1.1 unknown".into())));
}

#[test]
fn bytes_without_headers_are_no_mail() {
    assert_eq!(read(b"").expect_err("no mail").code, "not_a_mail");
}

#[test]
fn an_mbox_is_split_at_its_separators_only() {
    let mbox = b"From a@b.example Tue Apr 21 08:42:07 2026\nSubject: 1\n\nFrom here on it is text.\n\nFrom what I saw it fits.\n>From stuffed\n\nFrom c@d.example Tue Apr 21 09:58:31 2026\nSubject: 2\n\nzwei\n";
    let mails = split_mbox(mbox);
    let texts: Vec<String> =
        mails.iter().map(|mail| String::from_utf8_lossy(&unstuff(&mbox[mail.clone()])).into_owned()).collect();
    assert_eq!(
        texts,
        ["Subject: 1\n\nFrom here on it is text.\n\nFrom what I saw it fits.\nFrom stuffed\n", "Subject: 2\n\nzwei\n"]
    );
    assert_eq!(split_mbox(b"Subject: 1\n\nallein\n").len(), 1);
    assert!(split_mbox(b" \n").is_empty());
    assert_eq!(&*unstuff(b">>From x\n> From y\n"), b">From x\n> From y\n");
}

#[test]
fn a_sentence_about_times_splits_no_mbox_and_a_missing_blank_line_joins_none() {
    let mbox = b"From a@b.example Tue Apr 21 08:42:07 2026\nSubject: 1\n\nHallo,\n\nFrom 09:00 to 17:00 on Friday 24 April 2026 we are there.\n\nFrom me Tue Apr 21 09:58:31 2026\nis no header.\nFrom c@d.example Tue Apr 21 09:58:31 2026\nSubject: 2\n\nzwei\n\nFrom - Wed Apr 22 09:58:31 2026\nX-Mozilla-Status: 0001\n\ndrei\n";
    let mails = split_mbox(mbox);
    let starts: Vec<&[u8]> = mails.iter().map(|mail| &mbox[mail.start..mail.start + 9]).collect();
    assert_eq!(starts, [&b"Subject: "[..], b"Subject: ", b"X-Mozilla"]);
}

#[test]
fn a_footer_of_plain_text_does_not_displace_a_body_of_html() {
    let raw = "From: Erika <e@linde.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Meine neue Nummer ist 05141 9.</p>\r\n--b\r\nContent-Type: text/plain\r\n\r\nVirenfrei.\r\n--b--\r\n";
    let read = read(raw.as_bytes()).expect("a mail");
    assert_eq!(read.text.split_whitespace().collect::<Vec<_>>().join(" "), "Meine neue Nummer ist 05141 9. Virenfrei.");
}

#[test]
fn a_greeting_is_no_sign_off() {
    for text in ["Servus Herr Reiling,\n\npasst so.\n\nErika", "Servus Jonas,\npasst so.\nErika"] {
        assert!(newest(text).contains("passt so."), "{text}");
    }
    assert_eq!(newest("Passt so.\n\nServus\nErika"), "Passt so.");
}

#[test]
fn every_mail_of_the_example_fair_has_the_newest_part_its_sender_wrote() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/data/replies.mbox");
    let bytes = std::fs::read(path).expect("the example mailbox");
    let mails: Vec<Mail> =
        split_mbox(&bytes).into_iter().map(|at| read(&unstuff(&bytes[at])).expect("a mail")).collect();
    assert_eq!(mails.len(), 43);
    for mail in &mails {
        let found = parts(mail);
        let text = format!("{}\n{}", found.newest, found.signature);
        for foreign in ["schrieb Jonas", "schrieb Katrin", "Gesendet: ", "Timo Brandes <", "wrote:", "-----"] {
            assert!(!text.contains(foreign), "{foreign:?} in {:?}: {text}", mail.message_id);
        }
    }
}

/// The public replies hold marks of quotes that no newest part may keep.
#[test]
#[expect(clippy::disallowed_methods, reason = "the public collections lie outside the repository")]
fn german_replies_of_the_public_collections_are_cut() {
    let Ok(data) = std::env::var("MITTLER_DATA") else {
        eprintln!("skipped: MITTLER_DATA is not set");
        return;
    };
    let folder = std::path::Path::new(&data).join("replies/crisp-oss-email-reply-parser/test/fixtures");
    let mut seen = 0;
    for name in
        ["email_german", "email_german_2", "email_german_3", "email_german_outlook", "email_tricky_5_mixed_languages"]
    {
        let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.txt"))) else { continue };
        seen += 1;
        let found = newest(&text);
        assert!(found.starts_with("Fusce") && found.ends_with("nec nibh."), "{name}: {found}");
    }
    assert_eq!(seen, 5);
}

proptest! {
    #[test]
    fn no_bytes_make_the_mail_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(mail) = read(&bytes) {
            parts(&mail);
        }
        for mail in split_mbox(&bytes) {
            let _ = unstuff(&bytes[mail]);
        }
    }

    #[test]
    fn no_text_makes_the_grammar_panic_or_lose_words(
        lines in proptest::collection::vec(
            prop_oneof![
                "[ >]{0,3}[a-zäöüß:.,<>@0-9 -]{0,40}", Just(String::new()), Just("-- ".to_owned()), Just("> x".to_owned()),
                Just("Von meinem iPhone gesendet".to_owned()), Just("Am 21.04.2026 um 09:40 schrieb Jan:".to_owned()),
                Just("Von: a@b.example".to_owned()), Just("An: b".to_owned()), Just("Betreff: c".to_owned()),
                Just("Viele Grüße".to_owned()), Just("P.S. Noch was".to_owned()), Just("____".to_owned()),
            ],
            0..30,
        )
    ) {
        let text = lines.join("\n");
        let found = parts(&mail(&text));
        let count = |text: &str| { let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect(); words.sort(); words };
        prop_assert_eq!(count(&text), count(&format!("{}\n{}\n{}", found.newest, found.signature, found.quoted)));
    }

    #[test]
    fn no_html_makes_the_renderer_panic(body in "(<(div|p|blockquote|table|td|hr|style|!--)( class=\"?(gmail_quote|yahoo_quoted)\"?| id='divRplyFwdMsg')?>|</(div|p|blockquote)>|[a-zß<>&; \n]){0,60}") {
        html::render(&body);
        self::html(&body);
    }
}

#[test]
fn a_mail_that_is_too_long_is_refused_by_its_own_limits() {
    let mail = |subject: &str, kind: &str, body: &str| {
        read(format!("From: a@a.example\nSubject: {subject}\nContent-Type: {kind}\n\n{body}\n").as_bytes())
    };
    let line = "Guten Tag, anbei die Liste mit allen Stellen.\n";
    let text = |bytes: usize| line.repeat(bytes / line.len());
    assert!(mail("x", "text/plain", &text(MAX_TEXT)).is_ok());
    let code = |mail: Result<Mail, Problem>| mail.expect_err("refused").code;
    assert_eq!(code(mail("x", "text/plain", &text(MAX_TEXT + 2 * line.len()))), "mail_text_too_long");
    assert_eq!(code(mail("x", "text/html", &text(MAX_HTML + 2 * line.len()))), "mail_text_too_long");
    assert_eq!(code(mail(&"x".repeat(MAX_VALUE + 1), "text/plain", line)), "value_too_long");
    // An attachment is not what a mail says.
    let attached = format!(
        "From: a@a.example\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
         Text\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n{}\n--b--\n",
        text(2 * MAX_TEXT)
    );
    assert_eq!(read(attached.as_bytes()).expect("a mail").text.trim(), "Text");
    assert_eq!(code(read(&vec![b'x'; MAX_MAIL + 1])), "mail_too_long");
}
